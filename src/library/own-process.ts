/** The command has a process to itself: V8 may be asked to keep its memory small. A program that uses the library decides for itself. */
let own = false;

export function claimProcess(): void {
  own = true;
}

export function hasOwnProcess(): boolean {
  return own;
}
