import { Hono } from 'hono';
import type { Registry } from '../../converter/registry/registry.ts';
import { registryAnswer } from './registry-answer.ts';
import { addCompatibility } from './registry-compatibility.ts';
import { addLevels } from './registry-levels.ts';
import { RegistryCode, RegistryRefusal, refuse } from './registry-refusal.ts';
import { addSchemas } from './registry-schemas.ts';
import { addSubjects } from './registry-subjects.ts';

/**
 * Confluent's Schema Registry API over the built-in registry: what its clients, Connect's converters, Flink, Spark recipes and UIs ask. Avro only,
 * one context, no references. Mounted at `/`; paths of its own only.
 * @see https://docs.confluent.io/platform/current/schema-registry/develop/api.html
 */
export function registryRoutes(registry: Registry): Hono {
  const routes = new Hono({ strict: false });
  routes.onError(refuse);
  addSubjects(routes, registry);
  addSchemas(routes, registry);
  addCompatibility(routes, registry);
  addLevels(routes, registry);
  routes.get('/contexts', (c) => registryAnswer(c, ['.']));
  // Newer serializers look here first for a subject's name, and take 404 for "none: use the topic's".
  routes.all('/associations/*', () => {
    throw new RegistryRefusal(RegistryCode.associationNotFound, 'This registry keeps no associations');
  });
  return routes;
}
