/** What a login costs that somebody made up, before anything is known of who sends it. */
import { it } from 'vitest';
import { createGuard } from '../../drivers/http-push/challenge.ts';
import { manualClock } from '../clocks.ts';
import { expectLinear, repeated } from '../linear.ts';

it.each(['a="', 'a=', ' ,', 'aaaa', '="', 'a="b",'])('a Digest answer of %j again and again', (unit) => {
  const guard = createGuard(manualClock());
  const wanted = {
    from: undefined,
    token: undefined,
    password: { username: 'face', password: 's3cret', digestOnly: true },
  };
  const head = { method: 'POST', url: '/push/face', address: '10.0.0.1', token: undefined };
  expectLinear(
    (authorization: string) => guard.judge({ ...head, authorization }, wanted),
    (size) => repeated(unit, size, 'Digest '),
  );
});
