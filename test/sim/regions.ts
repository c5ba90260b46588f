/**
 * Where the nodes of a wide-area simulation stand: twelve public-cloud regions over six continents, and the median round trips between
 * them.
 *
 * Source: cloudping.co, medians (50th percentile) of the round trips between AWS regions, as archived in the public repository
 * commonwarexyz/monorepo, file examples/estimator/src/p50.json, commit 4622dfb1b602c30c5371c27f981384274d987d0f; rounded to 0.1 ms.
 * The archive carries no date. It contains regions that opened in 2025 (mx-central-1, ap-east-2), so it is of mid-2025 or
 * later. The number of days behind each median is not stated there.
 *
 * How they were measured: cloudping.co times a TCP connection (name resolution included) from a function in one region to port 443 of
 * the database endpoint of the other, several times a day. One connection takes one round trip, plus a little of the endpoint's time:
 * inside one region it shows 3 to 8 ms where two machines need about 1 ms or less. The path is a cloud's own network: validators
 * elsewhere see more. The same pair measured from its two ends differs by up to about 3 % and is kept as measured.
 */
export const REGIONS = [
  'us-east-1',
  'eu-central-1',
  'ap-northeast-1',
  'us-west-1',
  'eu-west-1',
  'ap-southeast-1',
  'sa-east-1',
  'eu-north-1',
  'ap-south-1',
  'ap-northeast-2',
  'ap-southeast-2',
  'af-south-1',
] as const;

export type Region = (typeof REGIONS)[number];

/** Milliseconds from the row's region to the column's and back, both in the order of `REGIONS`. */
const ROUND_TRIP_MS: readonly (readonly number[])[] = [
  [5.5, 93.2, 149.7, 64.2, 69.6, 219.6, 115.3, 112.8, 192.5, 179.8, 199.8, 228.0],
  [92.7, 4.0, 227.0, 153.0, 27.0, 160.4, 204.0, 22.9, 129.3, 230.8, 251.3, 155.9],
  [149.5, 227.6, 2.8, 108.7, 202.5, 70.6, 258.3, 247.2, 134.3, 36.3, 106.9, 358.0],
  [63.9, 153.3, 108.3, 2.8, 129.9, 169.6, 174.8, 172.9, 232.0, 133.5, 139.1, 287.8],
  [69.7, 27.5, 202.3, 130.1, 3.2, 178.5, 178.2, 40.9, 125.9, 232.6, 255.7, 160.3],
  [219.0, 161.2, 70.9, 170.6, 179.1, 3.7, 327.8, 180.7, 64.5, 74.2, 94.8, 316.9],
  [115.4, 205.0, 258.9, 175.3, 178.6, 327.7, 3.3, 223.3, 301.8, 289.7, 312.4, 338.9],
  [112.2, 23.0, 246.7, 172.5, 39.7, 180.5, 223.0, 3.3, 148.9, 250.1, 271.2, 174.1],
  [189.7, 129.0, 133.3, 231.6, 125.4, 63.8, 301.0, 148.4, 3.2, 134.5, 154.7, 274.0],
  [179.5, 231.6, 36.4, 133.9, 233.2, 73.9, 289.4, 250.4, 135.2, 4.0, 145.2, 386.7],
  [199.7, 251.6, 105.8, 139.3, 255.6, 94.8, 312.1, 271.6, 154.9, 146.1, 4.1, 408.7],
  [225.9, 154.7, 356.5, 286.3, 158.5, 313.9, 337.2, 174.3, 271.6, 386.0, 408.8, 4.5],
];

/** Median round trips in whole microseconds, from the row's region to the column's and back. */
export const ROUND_TRIP_US: readonly (readonly number[])[] = ROUND_TRIP_MS.map((row) =>
  row.map((roundTripMs) => Math.round(roundTripMs * 1000)),
);
