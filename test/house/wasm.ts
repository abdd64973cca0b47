import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root } from './bash.ts';

const options = ['--optimizeLevel', '3', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd'];

/** What AssemblyScript makes of `source`, a file of the repository without its `.as`, as a module that exports it in base64. */
export async function wasmOf(source: string): Promise<string> {
  const { default: compiler } = await import('assemblyscript/asc');
  let built: Uint8Array | undefined;
  const { error, stderr } = await compiler.main([`${source}.ts`, '--outFile', 'built.wasm', ...options], {
    // It knows sources by the name of TypeScript only.
    readFile(name) {
      const path = join(root, name.replace(/\.ts$/, '.as'));
      return name.startsWith('src/') && existsSync(path) ? readFileSync(path, 'utf8') : null;
    },
    writeFile(name, contents) {
      if (name === 'built.wasm') built = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error !== null || built === undefined) throw new Error(`${source}.as: ${stderr.toString()}`);
  const text = (
    Buffer.from(built)
      .toString('base64')
      .match(/.{1,120}/g) ?? []
  )
    .map((line) => `${line}\\`)
    .join('\n');
  return `/** The module that is built of ${basename(source)}.as, by \`npm run generate\`, in base64. */\nexport const wasm = \`\\\n${text}\n\`;\n`;
}
