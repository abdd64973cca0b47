import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './bash.ts';

const options = ['--optimizeLevel', '3', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd'];

/** `src/lib/scan-wasm.ts` as AssemblyScript makes it of `scan-wasm.as`. */
export async function scanWasm(): Promise<string> {
  const { default: compiler } = await import('assemblyscript/asc');
  let built: Uint8Array | undefined;
  const { error, stderr } = await compiler.main(['scan.ts', '--outFile', 'scan.wasm', ...options], {
    readFile: (name) => (name === 'scan.ts' ? readFileSync(join(root, 'src/lib/scan-wasm.as'), 'utf8') : null),
    writeFile: (name, contents) => {
      if (name === 'scan.wasm') built = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error !== null || built === undefined) throw new Error(`scan-wasm.as: ${stderr.toString()}`);
  const text = (
    Buffer.from(built)
      .toString('base64')
      .match(/.{1,120}/g) ?? []
  )
    .map((line) => `${line}\\`)
    .join('\n');
  return `/** The module that is built of scan-wasm.as, by \`npm run generate\`, in base64. */\nexport const wasm = \`\\\n${text}\n\`;\n`;
}
