// Fails unless both logs executed the same conformance tests, none skipped, and prints the closing count of the whole run.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const tests = report.testResults.flatMap(({ name, assertionResults }) => assertionResults.map((test) => ({ file: name, ...test })));

/** Names of the executed conformance tests of one log, without the suite's own title. */
function conformance(pattern) {
  const found = tests.filter(({ file }) => pattern.test(file));
  const skipped = found.filter(({ status }) => status !== 'passed');
  if (skipped.length > 0) throw new Error(`Not executed: ${skipped.map(({ fullName }) => fullName).join('; ')}`);
  return [...new Set(found.map(({ title }) => title))].sort(); // a suite may run on several shapes of one log
}

const embedded = conformance(/embedded-conformance\.test\.ts$/);
const kafka = conformance(/kafka-conformance\.kafka\.test\.ts$/);
if (kafka.length === 0) throw new Error('The Kafka tests did not run: is Java there?');
if (JSON.stringify(embedded) !== JSON.stringify(kafka)) {
  throw new Error(`The two logs executed different conformance tests:\n${embedded.join('\n')}\n---\n${kafka.join('\n')}`);
}
const skippedKafka = tests.filter(({ file, status }) => /\.(kafka|e2e)\.test\.ts$/.test(file) && status !== 'passed');
if (skippedKafka.length > 0) throw new Error(`Not executed: ${skippedKafka.map(({ fullName }) => fullName).join('; ')}`);

const count = (status) => tests.filter((test) => test.status === status).length;
console.log(`conformance: ${kafka.length} tests on both logs`);
console.log(`${count('passed')} passed, ${count('failed')} failed, ${tests.length - count('passed') - count('failed')} skipped`);
