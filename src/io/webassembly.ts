/**
 * What is used of the JavaScript API of WebAssembly (W3C, WebAssembly JavaScript Interface 2.0). TypeScript declares it in
 * the library for browsers only.
 */
declare global {
  namespace WebAssembly {
    class Memory {
      constructor(descriptor: { readonly initial: number; readonly maximum?: number; readonly shared?: boolean });
      readonly buffer: ArrayBufferLike;
    }
    class Module {
      constructor(bytes: Uint8Array<ArrayBuffer>);
    }
    class Instance {
      constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>);
      readonly exports: Readonly<Record<string, unknown>>;
    }
  }
}

export {};
