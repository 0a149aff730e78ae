import { describe, it } from 'vitest';
import { createGuard } from '../../simulators/camera/guard.ts';
import { textIn } from '../../simulators/camera/soap.ts';
import { expectLinear, repeated } from '../linear.ts';

describe('a question to a simulated camera', () => {
  it.each(['<Timeout>', ':Timeout ', 'Timeout', '<Timeout x'])(
    'of %s again and again costs no more than its length',
    (unit) => {
      expectLinear(
        (body: string) => textIn(body, 'Timeout'),
        (bytes) => repeated(unit, bytes),
      );
    },
  );

  it('without a token costs no more than its length either', () => {
    const guard = createGuard({ username: 'a', password: 'b', auth: 'either' }, () => 0);
    const refused = { writeHead: () => ({ end() {} }) } as never;
    expectLinear(
      (body: string) => guard.admits({ headers: {}, url: '/', method: 'POST' } as never, refused, body),
      (bytes) => repeated(':Nonce ', bytes),
    );
  });
});
