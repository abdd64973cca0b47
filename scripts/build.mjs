// Bundles src/ into scripts in dist/: the program, one for each command, some that several commands share, and one for each package that is
// not needed at every start; each is loaded when it is needed. The names hold a hash of the content, each file is put in place whole, and what
// an earlier build left stays for an hour: a process that runs from this clone goes on. Last come V8's code caches, made by the Node that builds.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import fsPromises from 'node:fs/promises';
import http2 from 'node:http2';
import { basename, dirname, join, resolve } from 'node:path';
import zlib from 'node:zlib';
import { build, transform } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');
/** What must lie where npm put it, since it loads a native library from beside itself: it is looked for from the package that needs it. */
const bindings = /^@duckdb\/node-bindings$/;
/** Packages that are bundled as our own modules are, without what of them nobody uses: the one that every command needs, and those that are modules. */
const inline = /^(?:commander$|@aws-sdk\/|@smithy\/)/;

const written = new Set();
function put(name, contents) {
  const path = join(dist, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, contents);
  renameSync(`${path}.${process.pid}`, path);
  written.add(path);
}

/** Puts a script in place under a name that holds its hash; gives the name. */
function putScript(name, contents) {
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 10);
  const hashed = `${name}-${hash}.js`;
  put(hashed, contents);
  return hashed;
}

const licences = new Map();
const target = 'node20.19';
// What comes out of a code cache cannot call import(): known scripts are required, others are left to bin/buda, which can.
const supported = { 'dynamic-import': false };
const small = { minifySyntax: true, minifyWhitespace: true, legalComments: 'none' };
async function bundle(options) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    outdir: dist,
    bundle: true,
    platform: 'node',
    target,
    logLevel: 'warning',
    mainFields: ['module', 'main'],
    metafile: true,
    write: false,
    define: { 'import.meta.url': '__filename', 'import.meta.dirname': '__dirname' },
    ...small,
    ...options,
  });
  for (const file of Object.keys(metafile.inputs)) {
    const [, folder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
    if (folder !== undefined) licences.set(folder, undefined);
  }
  return { scripts: outputFiles, outputs: metafile.outputs };
}

const beside = {
  name: 'native libraries where they are',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: bindings }, ({ path }) => ({ path, namespace: 'beside' }));
    onLoad({ filter: /.*/, namespace: 'beside' }, ({ path }) => ({
      contents: `const { createRequire } = require('node:module');
        const beside = createRequire(createRequire(__filename).resolve('@duckdb' + '/node-api'));
        module.exports = beside('${path}');`,
    }));
  },
};

/** Parts of Node that the SDK asks for and seldom uses, and what every step may hash by: each is loaded when something of it is called. */
const lateParts = { 'fs/promises': fsPromises, http2, zlib };
const hashing = 'src/lib/hashing.ts';
const later = {
  name: 'parts of Node later',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^node:(?:fs\/promises|http2|zlib)$/ }, ({ path, namespace, importer }) =>
      namespace === 'later' || !importer.includes('node_modules')
        ? undefined
        : { path: path.replace('node:', ''), namespace: 'later' },
    );
    onResolve({ filter: /^node:crypto$/ }, ({ importer }) =>
      importer.endsWith(hashing) ? { path: 'crypto', namespace: 'later' } : undefined,
    );
    onLoad({ filter: /^crypto$/, namespace: 'later' }, () => ({
      contents: "module.exports = { createHash: (...given) => require('node:crypto').createHash(...given) };",
    }));
    onLoad({ filter: /.*/, namespace: 'later' }, ({ path }) => {
      const members = Object.entries(lateParts[path]).map(([name, value]) => {
        if (name === 'constants') return 'constants: new Proxy({}, { get: (_, name) => whole().constants[name] })';
        if (typeof value === 'function' && /^[a-z]/.test(name)) return `${name}: (...given) => whole().${name}(...given)`;
        return `get ${name}() { return whole().${name}; }`;
      });
      return { contents: `const whole = () => require('node:${path}');\nmodule.exports = { ${members} };` };
    });
  },
};

const packages = new Map();
/** A package as one script, made when the first module that imports it is met. */
function bundlePackage(name) {
  // What Node's own import of a CommonJS module gives: module.exports is the default, and its properties are the names.
  const contents = `const whole = require('${name}');
    module.exports = typeof whole === 'object' && typeof whole.default === 'function' ? Object.assign(whole.default, whole) : whole;`;
  const made = bundle({
    format: 'cjs',
    supported,
    stdin: { contents, resolveDir: root, sourcefile: 'package.cjs' },
    plugins: [beside],
    // Its build for Node awaits a package that draws pictures of pixels, which CommonJS cannot; ours are SVG.
    alias: { 'vega-canvas': join(root, 'node_modules/vega-canvas/build/vega-canvas.browser.js') },
  });
  return made.then(
    ({ scripts: [{ contents }] }) => `./${putScript(`packages/${name.replace('@', '').replaceAll('/', '-')}`, contents)}`,
  );
}

const apart = {
  name: 'packages apart',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^[@a-z]/ }, async ({ path, importer, kind }) => {
      if (kind === 'entry-point' || path.startsWith('node:') || importer.includes('node_modules')) return undefined;
      if (inline.test(path)) return undefined;
      if (!packages.has(path)) packages.set(path, bundlePackage(path));
      return { path: await packages.get(path), external: true };
    });
    // Commander starts programs of its own only where it is told of some; to load what starts them takes 3 ms.
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('commander') ? { path: 'child_process', namespace: 'nothing' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: '' }));
    onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const contents = readFileSync(path, 'utf8').replace(/\bawait import\((?!['"`])/g, 'await importModule(');
      return { contents, loader: 'ts' };
    });
  },
};

const { scripts, outputs } = await bundle({
  entryPoints: ['src/main.ts'],
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  format: 'esm',
  splitting: true,
  plugins: [apart, later],
});
put('package.json', '{ "type": "commonjs" }\n');
put('index.d.ts', readFileSync(join(root, 'src/index.ts')));

/** The script that was made of this source, and all that it needs at once. */
function withImports(source) {
  const found = new Set();
  const add = (output) => {
    if (outputs[output] === undefined || found.has(output)) return;
    found.add(output);
    for (const { path, kind } of outputs[output].imports) if (kind === 'import-statement') add(path);
  };
  add(Object.keys(outputs).find((output) => outputs[output].entryPoint === source));
  return [...found].map((output) => basename(output));
}

/**
 * What a script takes from others is looked up once, when it is loaded, not at each use: esbuild makes a getter of every export, which costs as
 * much as the rest of a loop over bytes. Nothing that is exported changes later (a test sees to it), and no two scripts need each other.
 */
function withNames(script) {
  const taken = new Map();
  const named = script.replace(
    /\(0,(import_chunk_\w+)\.([\w$]+)\)|\b(import_chunk_\w+)\.([\w$]+)/g,
    (_, called, calledName, used, usedName) => {
      const from = called ?? used;
      const name = calledName ?? usedName;
      if (!taken.has(from)) taken.set(from, new Set());
      taken.get(from).add(name);
      return called === undefined ? `${from}$${name}` : `(${from}$${name})`;
    },
  );
  return named.replace(/\b(import_chunk_\w+)=(?=require\()/g, (_, from) => {
    const names = [...(taken.get(from) ?? [])].map((name) => `${name}:${from}$${name}`);
    return `{${names}}=`;
  });
}

/**
 * For the same reason a plain object holds what is exported, where esbuild makes getters and copies them: that takes longer at every start, and so
 * does the code of it. To import one of these scripts later is to require it: each says itself what its default is.
 */
function withExports(script) {
  const required = script.replace(/__toESM\((require\("\.\/(?!packages\/)[^"]+"\))\)/g, '$1');
  const statement = /var (\w+)=\{\};__export\(\1,\{([^}]*)\}\);module\.exports=__toCommonJS\(\1\);/.exec(required);
  if (statement === null) return required;
  const names = statement[2].replace(/:\(\)=>/g, ':');
  const rest = required.slice(statement.index + statement[0].length);
  const helpers = /\b__(?:toESM|copyProps|defProp)\b/.test(rest) ? required.slice(0, statement.index) : '';
  return `${helpers}${rest.trimEnd()}\nmodule.exports={__esModule:!0,${names}};\n`;
}

// Only ES modules are split.
const code = new Map();
for (const { path, text } of scripts) {
  const made = await transform(text, { format: 'cjs', platform: 'node', target, supported, ...small });
  const script = withNames(withExports(made.code));
  code.set(basename(path), script.includes('importModule(') ? `const importModule=require('./import');${script}` : script);
}

// To load a script takes a tenth of a millisecond, and most of those that a transform needs are small: they lie in one.
const [main] = withImports('src/main.ts');
const atStart = new Set(['src/main.ts', 'src/lib/commander/parse.ts', 'src/commands/transform/flatten.ts'].flatMap(withImports));
const members = [...atStart].map(
  (name) => `${JSON.stringify(name)}(exports,require,module,__filename,__dirname){${code.get(name)}}`,
);
const core = putScript('core', `module.exports={${members.join(',\n')}}\n`);
const apartNames = [...code.keys()].filter((name) => !atStart.has(name));
for (const name of apartNames) put(name, code.get(name));

/** The licence of every package of which something was bundled. */
function noticeOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? '' : `\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`;
  return `${name} ${version}: ${license ?? 'see its licence'}\n${text}`;
}
const notices = [...licences.keys()].sort().map(noticeOf);
put('NOTICE', `buda's scripts hold parts of these packages, under these licences.\n\n${notices.join(`\n${'-'.repeat(72)}\n\n`)}`);

// The entry goes last: whoever starts meanwhile finds every script that it names.
const packageNames = (await Promise.all(packages.values())).map((name) => name.slice(2));
put('main.json', `${JSON.stringify({ main, core, scripts: [...apartNames, ...packageNames] })}\n`);
// In this order: a later command keeps what the ones before have compiled, and adds its own.
for (const words of [
  'transform flatten -q',
  'transform ./scripts/own.mjs -q',
  'put-stream kinesis:trial -q',
  'put-firehose trial -q',
  'put-s3 s3://trial -q',
]) {
  spawnSync(process.execPath, [join(import.meta.dirname, 'compile.cjs'), ...words.split(' ')], {
    cwd: root,
    input: '{"id":"1","a":{"b":1}}\n',
    stdio: ['pipe', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'nothing' },
      ...{ AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
    },
  });
}

const keptMs = process.argv.includes('--clean') ? -1 : 3_600_000;
for (const name of readdirSync(dist, { recursive: true })) {
  const path = join(dist, name);
  const isOurs = written.has(path) || written.has(path.replace(/\.cache$/, ''));
  if (isOurs || !existsSync(path) || !statSync(path).isFile()) continue;
  if (Date.now() - statSync(path).mtimeMs > keptMs) rmSync(path, { force: true });
}
