/** The city's page: it begins. */
import { begin } from '../../console/web/kit/begin.ts';
import { isOnGuard } from '../../console/web/kit/on-guard.ts';
import { address } from '../../console/web/kit/router.ts';
import { App } from './app.ts';
import { followCity, taken } from './city.ts';

await begin({
  App,
  follow: followCity,
  take: taken,
  mayRest: () => !isOnGuard() && !address.peek().startsWith('/?') && address.peek() !== '/',
});
