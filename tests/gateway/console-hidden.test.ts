/** A config is shown without what should not stand in it, and stands there all the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HIDDEN, hideSecrets } from '../../gateway/console/hidden.ts';

const SECRET = 'Hu4-Zm1x9';

describe('secrets in a config', () => {
  it.each([
    ['a password', `uplinks:\n  - password: ${SECRET}\n`],
    ['in quotes, with a comment', `password: "${SECRET}" # of the panel\n`],
    ['in a flow mapping', `camera: { username: a, password: ${SECRET}, host: h }\n`],
    ['over several lines', `key: |\n  ${SECRET}\n  ${SECRET}\nnext: 1\n`],
    ['folded', `secret: >-\n  ${SECRET}\n`],
    ['by an anchor elsewhere', `x: &p ${SECRET}\ny: { password: *p }\n`],
    ['in a list of them', `token: [${SECRET}, ${SECRET}]\n`],
    ['in a mapping of them', `secret: { first: ${SECRET} }\n`],
    ['under a key that is misspelt', `Pasword: 1\nmqttPassword: ${SECRET}\n`],
    ['in an address', `url: rtsp://admin:${SECRET}@10.0.0.4/main\n`],
    ['in a comment', `# password: ${SECRET}\nhost: h\n`],
    ['behind a value', `host: h # 密码：${SECRET}\n`],
    ['in an address in a comment', `host: h # http://a:${SECRET}@h/\n`],
    ['elsewhere once more', `password: ${SECRET}\nname: the camera with ${SECRET}\n`],
    ['in what is no YAML', `a: [\n  password: ${SECRET}\n`],
    ['in what is no mapping', `password=${SECRET}`],
    ['in two documents', `a: 1\n---\npassword: ${SECRET}\n`],
    ['twice the same key', `password: ${SECRET}\npassword: ${SECRET}2\n`],
  ])('are hidden: %s', (_name, text) => {
    const { text: shown } = hideSecrets(text);
    expect(shown).not.toContain(SECRET);
    expect(shown).toContain(HIDDEN);
    expect(shown.split('\n')).toHaveLength(text.split('\n').length);
  });

  it.each([
    ['the name of a file', 'passwordFile: secrets/police.password\n'],
    ['the name of a variable', 'password: ${POLICE_PASSWORD}\n'],
    ['in a file that is no YAML, too', 'a: [\npassword: ${POLICE_PASSWORD}\n'],
    ['the name of a relay', 'outputs:\n  relays: [{ id: lamp, token: Relay_1 }]\n'],
    ['a switch', 'defaultKey: true\nkeyFile: a.key\n'],
    ['an address without a password', 'url: mqtts://10.0.0.4:8883 # a@b: c\n'],
  ])('%s is none', (_name, text) => {
    expect(hideSecrets(text).text).toBe(text);
  });

  it('are not in messages about the file either', () => {
    const { hideIn } = hideSecrets(`password: ${SECRET}\n`);
    expect(hideIn(`"${SECRET}" is no variable; rtsp://a:other@h`)).toBe(
      `"${HIDDEN}" is no variable; rtsp://a:${HIDDEN}@h`,
    );
  });

  it('leave our own configs as they are', () => {
    const directory = join(import.meta.dirname, '../../config');
    for (const name of readdirSync(directory).filter((one) => one.endsWith('.yaml'))) {
      const text = readFileSync(join(directory, name), 'utf8');
      expect(hideSecrets(text).text).toBe(text);
    }
  });

  it('never throw, whatever the file has in it, and keep its lines', () => {
    const piece = fc.constantFrom(
      'password',
      ': ',
      '\n',
      '  ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '|',
      '&a ',
      '*a',
      '"',
      '#',
      'x',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 40 }).map((all) => all.join('')),
        ),
        (text) => {
          expect(hideSecrets(text).text.split('\n')).toHaveLength(text.split('\n').length);
        },
      ),
    );
    hideSecrets('['.repeat(20_000));
  });
});
