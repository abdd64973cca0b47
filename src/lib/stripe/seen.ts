import type { SavedState } from '../checkpoints.ts';

/**
 * The ids of one list that have been read and may come again: those created since `sinceS`, from where the list is read next time.
 * They are kept under the app; what was saved counts only for the very position that it was saved with, so that a checkpoint which
 * was moved by hand brings its records again.
 */
export class Seen {
  /** From where on every id that was read is known, in seconds. */
  sinceS = 0;
  readonly #key: string;
  readonly #ids = new Map<string, number>();
  /** What changed since it was last saved, null for an id that is forgotten; undefined where nothing is saved. */
  readonly #changes: Map<string, number | null> | undefined;

  /** `key`, without blanks, tells this list's entries in the saved state from others'. */
  constructor(key: string, isSaved: boolean) {
    this.#key = key;
    this.#changes = isSaved ? new Map() : undefined;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string, createdS: number): void {
    this.#ids.set(id, createdS);
    this.#changes?.set(id, createdS);
  }

  /** Nothing created before this second comes again. */
  forgetBefore(sinceS: number): void {
    if (sinceS <= this.sinceS) return;
    this.sinceS = sinceS;
    for (const [id, createdS] of this.#ids) if (createdS < sinceS) this.#forget(id);
  }

  /** Everything comes again. */
  clear(): void {
    for (const id of this.#ids.keys()) this.#forget(id);
    this.sinceS = 0;
  }

  /** Takes what was saved; without `sinceS` it belongs to another position, and is dropped. */
  restore(ids: readonly [id: string, createdS: number][], sinceS: number | undefined): void {
    for (const [id, createdS] of ids) this.#ids.set(id, createdS);
    if (sinceS !== undefined) this.sinceS = sinceS;
    else for (const [id] of ids) this.#forget(id);
  }

  /** What has to be saved with this position. */
  takeChanges(position: string): [key: string, value: unknown][] {
    const entries: [string, unknown][] = [...(this.#changes ?? [])].map(([id, createdS]) => [`${this.#key} ${id}`, createdS]);
    this.#changes?.clear();
    entries.push([this.#key, { position, since: this.sinceS }]);
    return entries;
  }

  #forget(id: string): void {
    this.#ids.delete(id);
    this.#changes?.set(id, null);
  }
}

/** What was saved for each list as of commit `at`, by its key. */
export async function loadSeen(saved: SavedState, at: number): Promise<Map<string, SavedList>> {
  const lists = new Map<string, SavedList>();
  for await (const [key, value] of saved.load(at)) {
    const [name = '', id] = key.split(' ');
    const list: SavedList = lists.get(name) ?? { ids: [], position: undefined, since: undefined };
    lists.set(name, list);
    if (id === undefined) Object.assign(list, value);
    else list.ids.push([id, value as number]);
  }
  return lists;
}

interface SavedList {
  ids: [id: string, createdS: number][];
  position: string | undefined;
  since: number | undefined;
}
