// Stands before the emulator of Kinesis, and is as unreliable as a service can be: it throttles some records of a request,
// answers 500, breaks the connection before the request is taken, or after it was.
import http from 'node:http';

/** Starts a proxy to a port of this machine; `rate` (0 to 1) of the requests go wrong. */
export async function startKinesisProxy(port, random, rate) {
  const server = http.createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => answer(request, Buffer.concat(pieces), response).catch(() => response.destroy()));
  });

  async function answer(request, body, response) {
    const dice = random();
    const isPut = String(request.headers['x-amz-target']).endsWith('PutRecords');
    if (dice < rate / 4) return request.socket.destroy();
    if (dice < rate / 2) return send(response, { status: 500, body: Buffer.from('{"__type":"InternalFailure"}') });
    if (dice < (rate * 3) / 4 && isPut) {
      await forward(request, body);
      return request.socket.destroy();
    }
    if (dice < rate && isPut) return send(response, await throttleSome(request, JSON.parse(body)));
    return send(response, await forward(request, body));
  }

  /** Forwards some of the records, and refuses the others as Kinesis does: in an answer of 200. */
  async function throttleSome(request, body) {
    const taken = body.Records.map(() => random() < 0.5);
    const kept = body.Records.filter((_, i) => taken[i]);
    const refused = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded' };
    let results = [];
    if (kept.length > 0) {
      const answered = await forward(request, Buffer.from(JSON.stringify({ ...body, Records: kept })));
      if (answered.status !== 200) return answered;
      results = JSON.parse(answered.body).Records;
    }
    const Records = taken.map((isTaken) => (isTaken ? results.shift() : refused));
    const FailedRecordCount = taken.filter((isTaken) => !isTaken).length;
    return { status: 200, body: Buffer.from(JSON.stringify({ FailedRecordCount, Records })) };
  }

  function forward(request, body) {
    return new Promise((done, fail) => {
      const headers = { ...request.headers, 'content-length': body.length };
      const passed = http.request({ host: '127.0.0.1', port, method: 'POST', path: '/', headers }, (answer) => {
        const pieces = [];
        answer.on('data', (piece) => pieces.push(piece));
        answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces) }));
      });
      passed.once('error', fail);
      passed.end(body);
    });
  }

  function send(response, { status, headers = {}, body }) {
    response.writeHead(status, {
      'content-type': headers['content-type'] ?? 'application/x-amz-json-1.1',
      'x-amzn-requestid': headers['x-amzn-requestid'] ?? 'none',
      'content-length': body.length,
    });
    response.end(body);
  }

  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: server.address().port,
    close: () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  };
}
