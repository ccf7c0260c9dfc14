declare module "mat-for-js" {
  /** Level 5 files; dev dependency, an oracle for matrices of two dimensions. */
  export function read(buffer: ArrayBuffer): { readonly header: string; readonly data: unknown };
}
