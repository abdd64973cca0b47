import ora from 'ora';

/** A line on the terminal's stderr that says, a few times a second, what `line` gives. `stop` wipes it. */
export function spin(line: () => string): { stop(): void } {
  const spinner = ora({ discardStdin: false, hideCursor: false, text: line() }).start();
  const timer = setInterval(() => {
    spinner.text = line();
  }, 250);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      spinner.stop();
    },
  };
}
