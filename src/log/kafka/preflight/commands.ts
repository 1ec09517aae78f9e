/** How Kafka's own tools reach the cluster, and who we are there. */
export interface Cluster {
  readonly bootstrap: string;
  /** The principal that the brokers see; undefined without SASL. */
  readonly user: string | undefined;
  /** With TLS or SASL the tools need a file of their own. */
  readonly isSecured: boolean;
}

/** Sets a topic's setting. */
export function alterTopic(cluster: Cluster, topic: string, key: string, value: string): string {
  const setting = shell(value.includes(',') ? `${key}=[${value}]` : `${key}=${value}`);
  return `kafka-configs.sh ${reach(cluster)} --alter --entity-type topics --entity-name ${shell(topic)} --add-config ${setting}`;
}

/** Allows operations on a topic, or on all topics that begin with a prefix. */
export function allow(
  cluster: Cluster,
  operations: readonly string[],
  topic: string,
  pattern: 'literal' | 'prefixed' = 'literal',
): string {
  const principal = shell(`User:${cluster.user ?? 'ANONYMOUS'}`);
  const list = operations.map((operation) => `--operation ${operation}`).join(' ');
  const type = pattern === 'prefixed' ? ' --resource-pattern-type prefixed' : '';
  return `kafka-acls.sh ${reach(cluster)} --add --allow-principal ${principal} ${list} --topic ${shell(topic)}${type}`;
}

/** A word as the shell reads it back. */
export function shell(word: string): string {
  return /^[A-Za-z0-9_.:,=/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function reach({ bootstrap, isSecured }: Cluster): string {
  return `--bootstrap-server ${shell(bootstrap)}${isSecured ? ' --command-config admin.properties' : ''}`;
}
