import { Option } from 'commander';
import { PORT_CHOICES } from '../devnet/layout.js';

/** Where the nodes of a network on this machine listen. */
export function portsOption(): Option {
  return new Option(
    '--ports <which>',
    'known: those that wallets expect, where they are free; any: for several networks that start at a time',
  )
    .choices(PORT_CHOICES)
    .default('known');
}
