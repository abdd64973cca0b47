import { type FSWatcher, watch } from 'node:fs';

/** Wakes a reader when files change. A change between a look and the wait is not missed. */
export class Watch {
  readonly #watchers = new Map<string, FSWatcher>();
  #hasChanged = false;
  #wake: (() => void) | undefined;

  /** Watches these files from now on, and no others. One that cannot be watched is left to the poll. */
  follow(paths: readonly string[]): void {
    for (const [path, watcher] of this.#watchers) {
      if (paths.includes(path)) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
    for (const path of paths) {
      if (this.#watchers.has(path)) continue;
      try {
        const watcher = watch(path, () => this.#change());
        watcher.on('error', () => {});
        this.#watchers.set(path, watcher);
        this.#change();
      } catch {}
    }
  }

  /** Resolves after a change, after the time, or at once when the signal is set. */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasChanged && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
        signal.addEventListener('abort', this.#wake, { once: true });
      });
      if (this.#wake !== undefined) signal.removeEventListener('abort', this.#wake);
      this.#wake = undefined;
    }
    this.#hasChanged = false;
  }

  close(): void {
    this.follow([]);
  }

  #change(): void {
    this.#hasChanged = true;
    this.#wake?.();
  }
}
