// An S3 of one bucket that keeps objects in memory, and is as unreliable as a service can be: it answers 500 or that it is to be asked less often,
// breaks the connection before a request is done, or after it was.
import { createHash } from 'node:crypto';
import http from 'node:http';

/** Starts one; `rate` (0 to 1) of the requests go wrong. */
export async function startS3(random, rate) {
  const objects = new Map();
  const server = http.createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => answer(request, Buffer.concat(pieces), response));
    // A client that is killed while it sends has put nothing.
    request.on('error', () => {});
  });

  function answer(request, body, response) {
    if (!request.complete) return;
    const dice = random();
    if (dice < rate / 4) return request.socket.destroy();
    if (dice < rate / 2) return refuse(response, 500, 'InternalError');
    if (dice < (rate * 3) / 4) return refuse(response, 503, 'SlowDown');
    const key = decodeURIComponent(request.url.replace(/^\/[^/]*\/|\?.*$/g, ''));
    if (request.method === 'PUT') objects.set(key, body.toString());
    else if (request.method === 'DELETE') objects.delete(key);
    else return refuse(response, 405, 'MethodNotAllowed');
    if (dice < rate) return request.socket.destroy();
    const etag = createHash('md5').update(body).digest('hex');
    response.writeHead(request.method === 'PUT' ? 200 : 204, { etag: `"${etag}"` });
    response.end();
  }

  function refuse(response, status, code) {
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>No.</Message></Error>`);
  }

  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    /** All of them joined, in the order of their keys. */
    text: () =>
      [...objects]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, text]) => text)
        .join(''),
    endpoint: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  };
}
