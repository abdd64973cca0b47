import { command } from '../lib/command.ts';
import { wordTree } from '../lib/completion/words.ts';

const shells = {
  bash: async () => (await import('../lib/completion/bash.ts')).bashCompletion,
  zsh: async () => (await import('../lib/completion/zsh.ts')).zshCompletion,
  fish: async () => (await import('../lib/completion/fish.ts')).fishCompletion,
};

export default command({
  role: 'tool',
  description:
    'Writes a script that lets the shell complete commands, options and their values. It is made from the definitions of this version, so write it anew after an update.',
  args: [{ name: 'SHELL', summary: 'the shell', choices: ['bash', 'zsh', 'fish'] }],
  options: {},
  examples: [
    { run: 'source <(buda completion bash)', shows: 'for this bash; put the line into ~/.bashrc to keep it' },
    { run: 'buda completion zsh > _buda', shows: 'for zsh: a file of this name, in a folder of its $fpath' },
    { run: 'buda completion fish > buda.fish', shows: 'for fish: in ~/.config/fish/completions' },
  ],
  async run({ args: [shell], entries, context }) {
    const write = await shells[shell as keyof typeof shells]();
    await context.stdout.write(write(await wordTree(entries)));
  },
});
