/** A memory of WebAssembly. It grows by pages of 64 KiB; then `buffer` is another. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** As much of it as is used here: Node's types have nothing of it. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
};

const pageBytes = 64 * 1024;
const compiled = new Map<string, object>();

/** Why there may be none: no addresses (V8 reserves gigabytes of them for a memory, which `ulimit -v` counts), no SIMD in the processor, `--jitless`. */
const reasons = new Set(['RangeError', 'CompileError', 'ReferenceError']);

/** What `open` makes with the functions below; undefined where the process cannot have that. */
export function wherePossible<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof Error && reasons.has(error.name)) return undefined;
    throw error;
  }
}

/** What a module, in base64, exports; each call has a memory of its own. */
export function instantiate<Exports>(code: string): Exports {
  let module = compiled.get(code);
  if (module === undefined) compiled.set(code, (module = new WebAssembly.Module(Buffer.from(code, 'base64'))));
  return new WebAssembly.Instance(module).exports as Exports;
}

/** The bytes of a memory, which has as many as this at least. Throws a RangeError where there are not so many. */
export function bytesOf(memory: WasmMemory, atLeast: number): Buffer {
  if (memory.buffer.byteLength < atLeast) memory.grow(Math.ceil((atLeast - memory.buffer.byteLength) / pageBytes));
  return Buffer.from(memory.buffer);
}
