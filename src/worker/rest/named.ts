import type { Context } from 'hono';
import { refusal } from './answer.ts';
import type { ConnectorView, DaemonView } from './daemon-view.ts';

/** The connector of the path, else 404 with Connect's words. */
export function named(
  view: DaemonView,
  c: Context,
  missing: (name: string) => string = (name) => `Connector ${name} not found`,
): ConnectorView {
  const name = c.req.param('name') ?? '';
  const connector = view.connectors().find((each) => each.name === name);
  if (connector === undefined) throw refusal(404, missing(name));
  return connector;
}
