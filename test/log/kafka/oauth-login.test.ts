import { expect, test } from 'vitest';
import { oauthLogin, type SaslSteps } from '../../../src/log/kafka/oauth-login.ts';

/** A broker that answers one step after the other, and what it was sent. */
function broker(...answers: (string | Error)[]): { readonly steps: SaslSteps; readonly sent: string[] } {
  const sent: string[] = [];
  const steps: SaslSteps = {
    async saslAuthenticate({ request, response }) {
      const bytes = await request.encode();
      expect(bytes.readInt32BE()).toBe(bytes.length - 4);
      sent.push(bytes.subarray(4).toString());
      const answer = answers.shift() ?? '';
      if (answer instanceof Error) throw answer;
      const raw = Buffer.concat([Buffer.alloc(4), Buffer.from(answer)]);
      return await response.parse(await response.decode(raw));
    },
  };
  return { steps, sent };
}

test('sends the token with what goes beside it', async () => {
  const { steps, sent } = broker('');
  const token = { value: 'a.b.c', extensions: { logicalCluster: 'lkc-1', identityPoolId: 'pool' } };
  await oauthLogin(async () => token)(steps).authenticate();
  expect(sent).toEqual(['n,,\u0001auth=Bearer a.b.c\u0001logicalCluster=lkc-1\u0001identityPoolId=pool\u0001\u0001']);
});

test('answers a challenge, and is refused with its reason', async () => {
  const token = async (): Promise<{ value: string; extensions: object }> => ({ value: 't', extensions: {} });
  const { steps, sent } = broker('{"status":"invalid_token"}', new Error('SASL authentication failed'));
  await expect(oauthLogin(token as never)(steps).authenticate()).rejects.toThrow('SASL authentication failed');
  expect(sent).toEqual(['n,,\u0001auth=Bearer t\u0001\u0001', '\u0001']);
  await expect(oauthLogin(token as never)(broker('{}', '').steps).authenticate()).rejects.toThrow('refused the token');
});
