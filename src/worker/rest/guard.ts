import type { Context, MiddlewareHandler } from 'hono';
import { refusal } from './answer.ts';

/** True for an address or name that only this machine can mean. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return bare === 'localhost' || bare.endsWith('.localhost') || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare);
}

/**
 * Against DNS rebinding: a page from anywhere can make a browser ask a name of its own that leads to 127.0.0.1. So a listener on loopback only
 * answers requests that were sent to a loopback name.
 */
export function onlyLoopbackHosts(): MiddlewareHandler {
  return async (c, next) => {
    const name = hostname(c.req.header('host') ?? '');
    if (!isLoopback(name))
      throw refusal(403, 'The Host header is not that of this machine; ask localhost or 127.0.0.1');
    await next();
  };
}

/**
 * Against forged requests from other pages: what changes something and was sent by a browser must come from a page of this very server. Other
 * clients send no Origin. Behind a proxy the name that the browser asked is in X-Forwarded-Host, which no page can set without asking first.
 */
export function onlyOwnOrigin(): MiddlewareHandler {
  return async (c, next) => {
    const origin = originOfChange(c);
    if (origin !== undefined) {
      const own = [c.req.header('host'), c.req.header('x-forwarded-host')];
      if (!own.includes(hostOf(origin))) throw refusal(403, 'The request was sent by a page of another origin');
    }
    await next();
  };
}

/**
 * Against DNS rebinding where others may ask too, by any name, and nobody says who they are: to the browser a page whose name leads here is of
 * this very server, and may set every header. So what changes something may only come from a page that was asked for by a loopback name.
 */
export function onlyLoopbackOrigins(): MiddlewareHandler {
  return async (c, next) => {
    const origin = originOfChange(c);
    if (origin !== undefined && !isLoopback(hostname(hostOf(origin)))) {
      throw refusal(
        403,
        'The request was sent by a page that is not of localhost: without authentication it may come from anywhere; set rest.authentication',
      );
    }
    await next();
  };
}

/** The origin of the page that wants to change something; undefined for what only reads, and for who is no browser. */
function originOfChange(c: Context): string | undefined {
  return ['GET', 'HEAD', 'OPTIONS'].includes(c.req.method) ? undefined : c.req.header('origin');
}

/** The Host header without its port. */
function hostname(host: string): string {
  return host.replace(/:\d*$/, '');
}

/** `host:port` of an origin; empty for `null` and anything that is not one. */
function hostOf(origin: string): string {
  return /^https?:\/\/([^/?#@]+)$/i.exec(origin)?.[1]?.toLowerCase() ?? '';
}
