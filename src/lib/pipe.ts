import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';

/** As much as a pipe holds: more is not to be had in one read. */
const readBytes = 64 * 1024;
/** Several reads go into one piece of memory, so that a line that two of them share lies whole in it. */
const slabBytes = 4 * readBytes;

/**
 * The bytes of a pipe or a socket that this process was given open: what process.stdin gives, without a stream's work for each read.
 * The pieces are the caller's to keep: none is written to again.
 */
export class Pipe implements AsyncIterable<Buffer> {
  readonly #descriptor: number;
  #socket: Socket | undefined;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Nothing is read before the first piece is asked for, and little more than was. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const pieces: Buffer[] = [];
    let slab = Buffer.alloc(0);
    let filled = 0;
    let failure: Error | undefined;
    let isClosed = false;
    let wake = () => {};
    const options: SocketConstructorOpts & ConnectOpts = {
      fd: this.#descriptor,
      readable: true,
      writable: false,
      onread: {
        buffer: () => {
          if (slab.length - filled < readBytes) {
            slab = Buffer.allocUnsafeSlow(slabBytes);
            filled = 0;
          }
          return slab.subarray(filled, filled + readBytes);
        },
        callback: (length) => {
          pieces.push(slab.subarray(filled, filled + length));
          filled += length;
          wake();
          // Who waits for the piece takes it before the next comes. Two mean that it waits for something else: false stops the reading.
          return pieces.length < 2;
        },
      },
    };
    const socket = new Socket(options)
      .on('error', (error) => {
        failure = error;
      })
      .on('close', () => {
        isClosed = true;
        wake();
      });
    this.#socket = socket;
    try {
      for (;;) {
        const piece = pieces.shift();
        if (piece !== undefined) yield piece;
        else if (failure !== undefined) throw failure;
        else if (isClosed) return;
        else {
          socket.resume();
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      socket.destroy();
    }
  }

  /** Ends the reading at once, whoever waits for it. */
  close(): void {
    this.#socket?.destroy();
  }
}
