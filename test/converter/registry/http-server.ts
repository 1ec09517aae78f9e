import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A server on a free port of 127.0.0.1, and what it was asked. */
export interface TestServer extends AsyncDisposable {
  readonly url: string;
  /** `METHOD path`, in order. */
  readonly asked: string[];
}

/** Serves until it is disposed of, over TLS when there are options for it. */
export async function serveHttp(listener: RequestListener, tls?: ServerOptions): Promise<TestServer> {
  const asked: string[] = [];
  const counting: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    listener(request, response);
  };
  const server = tls === undefined ? createServer(counting) : createTlsServer(tls, counting);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
