/** People who are told by the `notify` of rules, on their phones and by mail. */
import { z } from 'zod';
import { hostPort, identifier } from '../../drivers/contract/options.ts';

const base = {
  id: identifier().describe('Its name in `notify` of rules, in the audit and in metrics'),
  name: z.string().max(100).optional().describe('Who that is, for people'),
  language: z.enum(['zh', 'en', 'both']).default('zh').describe('Of what is told'),
  persons: z
    .boolean()
    .default(false)
    .describe('Whether names of persons, children too, stand in what is told. They leave the campus with it'),
};

const urlFile = z
  .string()
  .describe(
    'A file whose first line is the address that the robot was given: who knows it writes to the group',
  );
const secretFile = (what: string) => z.string().describe(what);

const wecom = z.strictObject({ ...base, by: z.literal('wecom'), urlFile });
const dingtalk = z.strictObject({
  ...base,
  by: z.literal('dingtalk'),
  urlFile,
  secretFile: secretFile('A file with the secret of "additional signature" 加签, SEC…').optional(),
});
const feishu = z.strictObject({
  ...base,
  by: z.literal('feishu'),
  urlFile,
  secretFile: secretFile('A file with the secret of "signature verification" 签名校验').optional(),
});
const webhook = z.strictObject({
  ...base,
  by: z.literal('webhook'),
  urlFile: z.string().describe('A file whose first line is the address that gets JSON by POST'),
  secretFile: secretFile(
    'A file with the secret that signs (Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`), `whsec_` and base64, or any text',
  ),
});
const address = () => z.email('an address such as duty@school.example');
const mail = z.strictObject({
  ...base,
  by: z.literal('mail'),
  server: hostPort().describe('Where mail is given: smtp.example.com:465'),
  tls: z
    .enum(['implicit', 'starttls', 'none'])
    .default('implicit')
    .describe(
      '`implicit`: from the first byte (port 465); `starttls`: after a greeting, and never without (587)',
    ),
  caFile: z
    .string()
    .optional()
    .describe("Who signed the server's certificate, where no public authority did"),
  user: z.string().optional().describe('Where the server wants a login'),
  passwordFile: z.string().optional().describe('A file whose first line is its password'),
  from: address().describe('Who it is from'),
  to: z.array(address()).min(1).max(50).describe('Who gets it'),
});

export const contact = z.discriminatedUnion('by', [wecom, dingtalk, feishu, webhook, mail]);
export type ContactConfig = z.output<typeof contact>;
