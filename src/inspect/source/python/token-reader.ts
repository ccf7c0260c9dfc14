import type { Token } from "./tokens.ts";

/** Text that is no Python. */
export class PythonSyntaxError extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** Brackets within brackets, and blocks within blocks: Python itself stops at 200 and 100. */
const deepest = 150;

/** Tokens one after another. */
export class TokenReader {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #base: number;
  #next = 0;
  #depth = 0;

  /** `base`: what is added to the offsets of the text. */
  constructor(text: string, tokens: readonly Token[], base: number) {
    this.#text = text;
    this.#tokens = tokens;
    this.#base = base;
  }

  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new RangeError("there is always an end token");
    return token;
  }

  take(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.#next++;
    return token;
  }

  /** Whether the next token is this sign or word. */
  at(text: string): boolean {
    const { kind, text: found } = this.peek();
    return found === text && (kind === "sign" || kind === "name");
  }

  takeIf(text: string): boolean {
    const there = this.at(text);
    if (there) this.take();
    return there;
  }

  need(text: string): Token {
    if (!this.at(text)) this.fail(`needed '${text}'`);
    return this.take();
  }

  /** Where the next token is, and where the last one ended. */
  get start(): number {
    return this.#base + this.peek().at;
  }

  get end(): number {
    return this.#base + (this.#tokens[this.#next - 1]?.to ?? 0);
  }

  /** The code between two offsets. */
  written(from: number, to: number): string {
    return this.#text.slice(from - this.#base, to - this.#base);
  }

  fail(needed: string): never {
    const token = this.peek();
    const found = token.kind === "newline" || token.kind === "end" ? "the end of the line" : `'${token.text.slice(0, 40)}'`;
    const breaks = token.kind === "indent" ? "an indentation that no block needs" : token.kind === "wrong" ? token.text : undefined;
    throw new PythonSyntaxError(this.start, breaks ?? `${needed}, found ${token.kind === "dedent" ? "the end of the block" : found}`);
  }

  /** Runs `work` one level deeper. */
  deeper<T>(work: () => T): T {
    if (this.#depth >= deepest) throw new PythonSyntaxError(this.start, `nested more than ${deepest} deep`);
    this.#depth++;
    try {
      return work();
    } finally {
      this.#depth--;
    }
  }

  /** Whether a colon ends this line and a block follows whose first word is `word`. */
  heads(word: string): boolean {
    let ahead = 0;
    while (!["newline", "end"].includes(this.peek(ahead).kind)) ahead++;
    return (
      this.peek(ahead - 1).text === ":" &&
      this.peek(ahead + 1).kind === "indent" &&
      this.peek(ahead + 2).kind === "name" &&
      this.peek(ahead + 2).text === word
    );
  }

  /** Goes behind the line and the block that belongs to it, wherever in the line we are. */
  skipStatement(): void {
    while (!["newline", "end", "dedent"].includes(this.peek().kind)) this.take();
    if (this.peek().kind === "newline") this.take();
    if (this.peek().kind !== "indent") return;
    let depth = 0;
    do {
      const { kind } = this.take();
      if (kind === "indent") depth++;
      if (kind === "dedent") depth--;
      if (kind === "end") return;
    } while (depth > 0);
  }

  /** Goes behind the bracket that opens here: type parameters. */
  skipBrackets(): void {
    let depth = 0;
    do {
      const { kind, text } = this.take();
      if (kind === "sign" && "[({".includes(text)) depth++;
      if (kind === "sign" && "])}".includes(text)) depth--;
      if (kind === "newline" || kind === "end") this.fail("needed ']'");
    } while (depth > 0);
  }

  /** Whether the bracket that opens here holds `as` and is closed right before a colon: then it is no expression. */
  bracketsAliases(): boolean {
    let depth = 0;
    let as = false;
    for (let ahead = 0; ; ahead++) {
      const { kind, text } = this.peek(ahead);
      if (kind === "newline" || kind === "end") return false;
      if (kind === "name" && text === "as" && depth === 1) as = true;
      if (kind !== "sign") continue;
      if ("([{".includes(text)) depth++;
      if (")]}".includes(text) && --depth === 0) return as && this.peek(ahead + 1).text === ":";
    }
  }
}
