/** The hardware: a shape a driver of the registry. */
import { z } from 'zod';
import { identifier, place } from '../../drivers/contract/options.ts';
import { drivers } from '../../drivers/index.ts';

const common = (name: string, title: string) => ({
  id: identifier().describe('Its name in topics and events'),
  driver: z.literal(name).describe(title),
  name: z.string().max(100).optional().describe('Its name for people'),
  place: place(),
});
const devices = drivers.map((driver) =>
  z.strictObject({
    ...common(driver.name, `${driver.title.en} · ${driver.title.zh}`),
    ...driver.options.shape,
  }),
);
export const device = z.discriminatedUnion(
  'driver',
  devices as [(typeof devices)[number], ...typeof devices],
);
