// A Firehose that keeps the ids of what it took, and is as unreliable as a service can be: it refuses some records of a request, answers 500 or that it is
// busy, breaks the connection before the request is taken, or after it was.
import http from 'node:http';

/** Starts one; `rate` (0 to 1) of the requests go wrong. */
export async function startFirehose(random, rate) {
  const ids = [];
  const server = http.createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => answer(request, JSON.parse(Buffer.concat(pieces)), response));
  });

  function answer(request, { Records: records }, response) {
    const dice = random();
    if (dice < rate / 5) return request.socket.destroy();
    if (dice < (rate * 2) / 5) return send(response, 500, { __type: 'InternalFailure' });
    if (dice < (rate * 3) / 5) return send(response, 400, { __type: 'ServiceUnavailableException' });
    const refuses = dice >= (rate * 4) / 5 && dice < rate;
    const results = records.map(({ Data: data }) => {
      if (refuses && random() < 0.5) return { ErrorCode: 'ServiceUnavailableException', ErrorMessage: 'Slow down.' };
      ids.push(JSON.parse(Buffer.from(data, 'base64')).id);
      return { RecordId: `record${ids.length}` };
    });
    if (dice < (rate * 4) / 5) return request.socket.destroy();
    const failed = results.filter(({ ErrorCode: code }) => code !== undefined).length;
    return send(response, 200, { FailedPutCount: failed, Encrypted: false, RequestResponses: results });
  }

  function send(response, status, body) {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(body));
  }

  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    ids,
    endpoint: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  };
}
