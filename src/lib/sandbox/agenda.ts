interface Task {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** What is yet to happen: a heap by second, and within a second in the order in which it was planned. */
export class Agenda {
  readonly #tasks: Task[] = [];
  #planned = 0;

  plan(at: number, run: () => void): void {
    const task = { at, order: this.#planned++, run };
    const tasks = this.#tasks;
    let place = tasks.push(task) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(task, tasks[parent]!)) break;
      tasks[place] = tasks[parent]!;
      place = parent;
    }
    tasks[place] = task;
  }

  /** Takes the first task out if it is due at this second. */
  takeDue(second: number): Task | undefined {
    const tasks = this.#tasks;
    const first = tasks[0];
    if (first === undefined || first.at > second) return undefined;
    const last = tasks.pop()!;
    if (tasks.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= tasks.length) break;
      if (child + 1 < tasks.length && isBefore(tasks[child + 1]!, tasks[child]!)) child++;
      if (!isBefore(tasks[child]!, last)) break;
      tasks[place] = tasks[child]!;
      place = child;
    }
    tasks[place] = last;
    return first;
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.at !== b.at ? a.at < b.at : a.order < b.order;
}
