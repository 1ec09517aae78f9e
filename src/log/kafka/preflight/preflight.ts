import { OperatorError } from '../../../errors.ts';
import { Findings, type Finding } from '../../../finding.ts';
import { parseAddress } from '../brokers.ts';
import type { BrokerAddress, Connect, Connection } from '../connection.ts';
import { ErrorCode } from '../errors.ts';
import { kafkajsConnect } from '../kafkajs-internals.ts';
import { newTopic } from '../new-topic.ts';
import { createTopicsRequest } from '../protocol/create-topics.ts';
import { describeConfigsRequest } from '../protocol/describe-configs.ts';
import type { KafkaSettings } from '../settings.ts';
import { advertisedFinding, brokerFinding } from './broker-finding.ts';
import type { Cluster } from './commands.ts';
import { judgeTopics, type TopicState, type WantedTopic } from './judge-topics.ts';
import { type TopicFactsAnswer, topicFactsRequest } from './topic-request.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;

/** Looks at a cluster broker by broker and topic by topic; nothing is created. Never throws: what fails is a finding. */
export async function checkKafka(
  settings: KafkaSettings,
  wanted: readonly WantedTopic[],
  signal: AbortSignal,
  connect: Connect = kafkajsConnect({
    ...settings,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  }),
): Promise<readonly Finding[]> {
  const found = new Findings();
  const isSecured = settings.ssl !== undefined || settings.sasl !== undefined;
  const open = new Map<string, Connection>();
  try {
    await reachAll(bootstrapOf(settings, found), connect, open, found, isSecured, signal);
    const [first] = open.values();
    if (first === undefined) return found.all;
    const answer = await first.send(topicFactsRequest([]));
    found.ok('cluster', `cluster ${answer.clusterId}`, `It has ${answer.brokers.length} brokers.`);
    await reachAll(answer.brokers, connect, open, found, isSecured, signal, true);
    const user = settings.sasl && 'username' in settings.sasl ? settings.sasl.username : undefined;
    const cluster = { bootstrap: [...open.keys()][0] ?? '', user, isSecured };
    found.add(await lookAtTopics(first, open, answer, wanted, cluster));
  } catch (error) {
    const [host = '', port = '0'] = (settings.bootstrapServers[0] ?? '').split(':');
    found.add([{ ...brokerFinding(error, { host, port: Number(port) }, isSecured), object: 'kafka cluster' }]);
  } finally {
    for (const connection of open.values()) connection.close();
  }
  return found.all;
}

function bootstrapOf({ bootstrapServers }: KafkaSettings, found: Findings): readonly BrokerAddress[] {
  const addresses: BrokerAddress[] = [];
  for (const server of bootstrapServers) {
    try {
      addresses.push(parseAddress(server));
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      found.problem(
        'reachable',
        `broker ${server}`,
        `${error.message}.`,
        'Write bootstrap.servers as host:port, separated by commas.',
      );
    }
  }
  return addresses;
}

/** Tries every address that was not reached yet, all at once: a host that is down takes its time. */
async function reachAll(
  addresses: readonly BrokerAddress[],
  connect: Connect,
  open: Map<string, Connection>,
  found: Findings,
  isSecured: boolean,
  signal: AbortSignal,
  isAdvertised: boolean = false,
): Promise<void> {
  const tried = addresses.filter(({ host, port }) => !open.has(`${host}:${port}`));
  await Promise.all(
    tried.map(async (address) => {
      const name = `${address.host}:${address.port}`;
      try {
        const connection = await connect(address, signal);
        open.set(name, connection);
        await connection.send(topicFactsRequest([]));
        found.ok('reachable', `broker ${name}`, 'It answers.');
      } catch (error) {
        open.get(name)?.close();
        open.delete(name);
        const finding = brokerFinding(error, address, isSecured);
        found.add([isAdvertised ? advertisedFinding(finding, address) : finding]);
      }
    }),
  );
}

async function lookAtTopics(
  connection: Connection,
  open: ReadonlyMap<string, Connection>,
  { brokers, controller }: TopicFactsAnswer,
  wanted: readonly WantedTopic[],
  cluster: Cluster,
): Promise<readonly Finding[]> {
  if (wanted.length === 0) return [];
  const { topics } = await connection.send(topicFactsRequest(wanted.map(({ spec }) => spec.name)));
  const byName = new Map(topics.map((topic) => [topic.name, topic]));
  const isThere = ({ spec }: WantedTopic): boolean => byName.get(spec.name)?.errorCode === ErrorCode.none;
  const present = wanted.filter(isThere).map(({ spec }) => spec.name);
  const configs = present.length === 0 ? [] : (await connection.send(describeConfigsRequest(present))).topics;
  const absent = wanted.filter(
    (each) => each.isWritten && byName.get(each.spec.name)?.errorCode === ErrorCode.unknownTopicOrPartition,
  );
  const at = brokers.find(({ node }) => node === controller);
  const leader = (at && open.get(`${at.host}:${at.port}`)) ?? connection;
  const specs = absent.map(({ spec }) => newTopic(spec));
  const creations =
    specs.length === 0 ? [] : (await leader.send(createTopicsRequest(specs, REQUEST_TIMEOUT_MS, true))).topics;
  const states = wanted.map((each): TopicState => {
    const { name } = each.spec;
    const config = configs.find(({ topic }) => topic === name);
    return {
      wanted: each,
      facts: byName.get(name),
      config: config && (config.errorCode === ErrorCode.none ? config.config : config.errorCode),
      creation: creations.find(({ topic }) => topic === name),
    };
  });
  return judgeTopics(states, cluster);
}
