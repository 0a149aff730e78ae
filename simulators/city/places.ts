/** Where the schools of a simulated city are: districts and counties of a real prefecture, Guilin (GB/T 2260), roughly where they lie. */
import type { CampusData } from '../../drivers/contract/campus.ts';

interface District {
  readonly code: string;
  readonly name: string;
  /** Of its seat, degrees north and east. */
  readonly at: readonly [latitude: number, longitude: number];
  /** How far from there schools are, degrees. */
  readonly reach: number;
  /** How many schools, beside the others. */
  readonly share: number;
}

const districts: readonly District[] = [
  { code: '450302', name: '秀峰区', at: [25.28, 110.28], reach: 0.02, share: 5 },
  { code: '450303', name: '叠彩区', at: [25.31, 110.3], reach: 0.02, share: 5 },
  { code: '450304', name: '象山区', at: [25.26, 110.28], reach: 0.03, share: 7 },
  { code: '450305', name: '七星区', at: [25.25, 110.32], reach: 0.03, share: 8 },
  { code: '450311', name: '雁山区', at: [25.1, 110.29], reach: 0.04, share: 3 },
  { code: '450312', name: '临桂区', at: [25.24, 110.21], reach: 0.06, share: 9 },
  { code: '450321', name: '阳朔县', at: [24.78, 110.49], reach: 0.1, share: 5 },
  { code: '450323', name: '灵川县', at: [25.41, 110.32], reach: 0.1, share: 6 },
  { code: '450324', name: '全州县', at: [25.93, 111.07], reach: 0.15, share: 9 },
  { code: '450325', name: '兴安县', at: [25.61, 110.67], reach: 0.1, share: 6 },
  { code: '450326', name: '永福县', at: [24.98, 109.98], reach: 0.1, share: 4 },
  { code: '450327', name: '灌阳县', at: [25.49, 111.16], reach: 0.1, share: 4 },
  { code: '450328', name: '龙胜各族自治县', at: [25.8, 110.01], reach: 0.1, share: 3 },
  { code: '450329', name: '资源县', at: [26.04, 110.65], reach: 0.1, share: 3 },
  { code: '450330', name: '平乐县', at: [24.63, 110.64], reach: 0.1, share: 5 },
  { code: '450332', name: '恭城瑶族自治县', at: [24.83, 110.83], reach: 0.1, share: 4 },
  { code: '450381', name: '荔浦市', at: [24.49, 110.4], reach: 0.08, share: 5 },
];
const SHARES = districts.reduce((sum, { share }) => sum + share, 0);
/** Of schools that measured by satellite, and not on a Chinese map: who shows them must look at the datum. */
const BY_SATELLITE = 0.1;
const kinds = ['小学', '中学', '幼儿园', '职业学校'] as const;

const pick = (random: () => number): District => {
  let rest = random() * SHARES;
  for (const district of districts) {
    rest -= district.share;
    if (rest < 0) return district;
  }
  return districts[0] as District;
};

/** A school that is none. `random`: in [0, 1); called as often for each, so that a seed makes the same city. */
export function schoolOf(id: string, index: number, random: () => number): CampusData {
  const { code, name, at, reach } = pick(random);
  // More of them near the seat.
  const near = (degrees: number) => {
    const away = (random() + random() - 1) * reach;
    return Math.round((degrees + away) * 1e6) / 1e6;
  };
  const [latitude, longitude] = [near(at[0]), near(at[1])];
  const datum = random() < BY_SATELLITE ? 'WGS 84' : 'GCJ-02';
  const kind = kinds[Math.floor(random() * kinds.length)] ?? kinds[0];
  return {
    ...{ id, name: `${name}第${index + 1}${kind}`, district: code },
    address: `${name}模拟路${index + 1}号`,
    coordinates: { latitude, longitude, datum },
    // No local number begins so: nobody is called by a trial.
    contacts: [{ role: 'guard-house', phone: `0773-0${String(index).padStart(6, '0')}` }],
  };
}
