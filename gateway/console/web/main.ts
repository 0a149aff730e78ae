/** The console's page: it begins. */
import { App } from './app.ts';
import { followAlarms } from './kit/alarms.ts';
import { begin } from './kit/begin.ts';
import { isOnGuard } from './kit/on-guard.ts';
import { address } from './kit/router.ts';
import { taken } from './kit/stream.ts';

await begin({
  App,
  follow: followAlarms,
  take: taken,
  mayRest: () => !isOnGuard() && !address.peek().startsWith('/?') && address.peek() !== '/',
});
