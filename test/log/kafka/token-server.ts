import { once } from 'node:events';
import { createServer as createHttp, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** An endpoint that gives tokens on any free port. */
export interface TokenServer extends AsyncDisposable {
  readonly url: string;
  /** What it was asked, with the body. */
  readonly asked: { readonly headers: IncomingHttpHeaders; readonly body: string }[];
}

/** Answers what `give` returns, as JSON or as it is; a refusal of the client when it returns nothing, and that status when it is a number. */
export async function tokenEndpoint(
  give: () => object | string | number | undefined,
  tls?: { readonly key: string; readonly cert: string },
): Promise<TokenServer> {
  const asked: TokenServer['asked'] = [];
  const answer: RequestListener = (request, response) => {
    void text(request).then((body) => {
      asked.push({ headers: request.headers, body });
      const given = give();
      if (typeof given === 'number') {
        response.writeHead(given, { location: 'http://evil.example/token' }).end('{"error":"<b>hunter2"}');
      } else if (given === undefined) {
        response.writeHead(401).end('{"error":"invalid_client","error_description":"hunter2 is wrong"}');
      } else response.end(typeof given === 'string' ? given : JSON.stringify(given));
    });
  };
  const server = tls ? createHttps(tls, answer) : createHttp(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/token`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
