import { Hono, type MiddlewareHandler } from 'hono';
import type { LogLevels } from '../../observe/log-levels.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Redactor } from '../../observe/redaction.ts';
import type { RestConfig } from '../worker-config.ts';
import { errorAnswer, errorHandler } from './answer.ts';
import { authenticate } from './authentication.ts';
import { configRoutes } from './config-api.ts';
import { connectRoutes } from './connect-api.ts';
import type { DaemonView } from './daemon-view.ts';
import { isLoopback, onlyLoopbackHosts, onlyLoopbackOrigins, onlyOwnOrigin } from './guard.ts';
import { healthRoutes } from './health-api.ts';
import { loggerRoutes } from './loggers-api.ts';
import { createMetrics, type MetricsOptions } from './metrics.ts';
import { offsetsRoutes } from './offsets-api.ts';
import { openapiDocument } from './openapi/document.ts';
import { operateRoutes } from './operate-api.ts';
import { noRoute } from './other-methods.ts';
import { pluginRoutes } from './plugins-api.ts';
import { registryRoutes } from './registry-api.ts';
import { redactAnswers } from './redact-answers.ts';
import { limitBody } from './request-body.ts';
import { snapshotRoutes } from './snapshot-api.ts';
import { pageRoutes } from './page-routes.ts';
import { tailRoutes } from './tail-api.ts';
import type { RestEnv } from './rest-env.ts';
import { stateRoutes } from './state-api.ts';

/** What the routes are made of. */
export interface AppOptions extends MetricsOptions {
  readonly config: RestConfig;
  readonly logger: Logger;
  readonly redactor: Redactor | undefined;
  /** What is logged. */
  readonly levels: LogLevels;
  /** `host:port` that is listened at. */
  readonly workerId: () => string;
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
}

/** Everything that the daemon serves, as one function from request to answer. A slash at the end of a path makes no difference. */
export function createApp(options: AppOptions): Hono<RestEnv> {
  const { config, view, logger, redactor, levels, workerId, judgeNow, closing } = options;
  const app = new Hono<RestEnv>({ strict: false });
  app.onError(errorHandler(logger));
  app.use(endConnection(closing));
  if (redactor) app.use(redactAnswers(redactor));
  if (isLoopback(config.host)) app.use(onlyLoopbackHosts());
  else if (config.authentication === 'none') app.use(onlyLoopbackOrigins());
  app.use(onlyOwnOrigin());
  // The page has no secrets: what it shows it asks for, with credentials.
  app.route('/', pageRoutes());
  app.use(authenticate(config));
  app.use(limitBody());
  app.route('/', healthRoutes(view, judgeNow));
  app.route('/', connectRoutes(view, workerId, closing));
  app.route('/', configRoutes(view));
  app.route('/', stateRoutes(view, workerId));
  app.route('/', offsetsRoutes(view, closing));
  app.route('/', pluginRoutes(view.version));
  app.route('/', loggerRoutes(view, levels, options.now));
  app.route('/', operateRoutes(view, closing));
  app.route('/', snapshotRoutes(view, closing));
  app.route('/', tailRoutes(view, config.authentication, closing));
  const metrics = createMetrics(options);
  app.get('/metrics', async (c) => c.body(await metrics.page(), 200, { 'Content-Type': metrics.contentType }));
  const description = openapiDocument(view.version, view.registry !== undefined);
  app.get('/openapi.json', (c) => c.json(description));
  mountRegistry(app, view);
  app.notFound(noRoute(app));
  return app;
}

/** Keeps no connection open once the server closes. */
function endConnection(closing: AbortSignal): MiddlewareHandler {
  return async (c, next) => {
    await next();
    if (closing.aborted) c.res.headers.set('Connection', 'close');
  };
}

const REGISTRY_PATHS = ['subjects', 'schemas', 'config', 'mode', 'compatibility', 'contexts'];

/** The built-in registry, or a word about where the schemas are. */
function mountRegistry(app: Hono<RestEnv>, { registry }: DaemonView): void {
  if (registry !== undefined) {
    app.route('/', registryRoutes(registry));
    return;
  }
  for (const path of REGISTRY_PATHS) {
    app.all(`/${path}/*`, (c) =>
      errorAnswer(c, 404, 'Schemas are kept by an external registry here: ask the one that schema.registry.url names'),
    );
  }
}
