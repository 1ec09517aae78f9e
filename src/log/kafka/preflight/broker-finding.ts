import { describeError } from '../../../errors.ts';
import type { Finding } from '../../../finding.ts';
import type { BrokerAddress } from '../connection.ts';

/** Why a broker cannot be used: name, network, TLS, credentials or version. */
export function brokerFinding(error: unknown, { host, port }: BrokerAddress, isSecured: boolean): Finding {
  const text = chain(error);
  const [check, fix] = judge(text, host, port, isSecured);
  return { level: 'problem', check, object: `broker ${host}:${port}`, message: `${describeError(error)}.`, fix };
}

/** A broker of the cluster that only its advertised name reaches is as bad as one that is down. */
export function advertisedFinding(finding: Finding, { host, port }: BrokerAddress): Finding {
  const message = `${finding.message.replace(/\.$/, '')} (the address is from its advertised.listeners).`;
  return {
    ...finding,
    message,
    fix: `${finding.fix ?? ''}\nOr set advertised.listeners of that broker to an address that is reached from here, not ${host}:${port}.`.trim(),
  };
}

function judge(text: string, host: string, port: number, isSecured: boolean): readonly [check: string, fix: string] {
  if (/does not serve/.test(text)) return ['version', 'Upgrade the brokers to Kafka 3.1 or newer.'];
  if (/Token endpoint/.test(text)) {
    return [
      'credentials',
      'Correct sasl.oauthbearer.token.endpoint.url, the client in sasl.jaas.config, or ssl.truststore.location.',
    ];
  }
  if (/refused the credentials/.test(text)) {
    return ['credentials', 'Correct sasl.mechanism, and user and password in sasl.jaas.config.'];
  }
  if (/certificate|SSL|TLS|wrong version number/i.test(text)) {
    return ['tls', 'Correct security.protocol and ssl.truststore.location (or ssl.truststore.certificates).'];
  }
  if (/ENOTFOUND|EAI_/.test(text)) return ['reachable', `Correct bootstrap.servers: no name server knows "${host}".`];
  if (/ECONNREFUSED/.test(text))
    return ['reachable', `Start the broker on ${host}, or correct the port: nothing listens on ${port}.`];
  if (/closed|ended|ECONNRESET|timeout|timed out/i.test(text) && !isSecured) {
    return [
      'reachable',
      'Set security.protocol if the listener expects TLS or SASL; else check that it is a Kafka broker.',
    ];
  }
  return ['reachable', `nc -vz ${host} ${port}`];
}

function chain(error: unknown): string {
  const codes: string[] = [];
  for (let e = error; e instanceof Error; e = e.cause) {
    if ('code' in e && typeof e.code === 'string') codes.push(e.code);
    if (e instanceof AggregateError) codes.push(...e.errors.map((each: unknown) => chain(each)));
  }
  return `${describeError(error)} ${codes.join(' ')}`;
}
