// Lines of stdin into LMDB under growing numbers, a transaction for each block that comes, synced every 100 ms and at the end.
const { rmSync } = require('node:fs');
const { open } = require('lmdb');

const folder = process.argv[2];
rmSync(folder, { recursive: true, force: true });
const store = open({ path: folder, encoding: 'binary', keyEncoding: 'uint32', noSync: true, mapSize: 2 ** 33 });
let number = 0;
let rest = Buffer.alloc(0);
let synced = performance.now();
(async () => {
  for await (const chunk of process.stdin) {
    const block = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    store.transactionSync(() => {
      for (let end = block.indexOf(10); end >= 0; end = block.indexOf(10, start)) {
        store.putSync(number++, block.subarray(start, end));
        start = end + 1;
      }
    });
    rest = block.subarray(start);
    if (performance.now() - synced < 100) continue;
    await store.flushed;
    synced = performance.now();
  }
  await store.flushed;
  await store.close();
})();
