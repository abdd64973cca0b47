// Runs a transform and keeps what V8 compiled for it, beside each script in dist/: see bin/buda.
const { renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

process.argv = [process.argv[0], join(__dirname, '..', 'bin', 'buda'), 'transform', 'flatten', '-q'];
const { load, scripts } = require('../bin/buda');

for (const name of require('../dist/main.json').scripts) load(name);
process.on('exit', () => {
  for (const [filename, script] of scripts) {
    writeFileSync(`${filename}.cache.${process.pid}`, script.createCachedData());
    renameSync(`${filename}.cache.${process.pid}`, `${filename}.cache`);
  }
});
