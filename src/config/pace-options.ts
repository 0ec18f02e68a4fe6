import { option } from './option.js';
import { countByDomain, line, rate, rateByDomain, rateOrNone } from './parse.js';

/** How fast a campaign may go, and what a relay's words mean: part of the table of options.ts. */
export const PACE_OPTIONS = {
  rate: option({
    describe: 'Messages of this campaign at most, over all workers, such as 200/s; without a burst',
    commands: ['launch'],
    env: 'FANMAIL_RATE',
    schema: rate(),
  }),
  relayRate: option({
    describe:
      'Messages of all campaigns through this relay at most; kept for later launches, until another or none is given',
    commands: ['launch'],
    env: 'FANMAIL_RELAY_RATE',
    schema: rateOrNone(),
  }),
  throttle: option({
    describe:
      'Messages to domains at most, such as gmail.com=20/s,yahoo.com=10/s; domains of one provider count together',
    commands: ['launch'],
    env: 'FANMAIL_THROTTLE',
    schema: rateByDomain(),
  }),
  domainConnections: option({
    describe:
      'Messages to domains under way at a time, over all workers, such as gmail.com=10; of one provider together',
    commands: ['launch'],
    env: 'FANMAIL_DOMAIN_CONNECTIONS',
    schema: countByDomain(1, 10_000),
  }),
  providers: option({
    describe: 'A JSON file that says which domains count together, before the table that comes with fanmail',
    commands: ['launch'],
    env: 'FANMAIL_PROVIDERS',
    schema: line(),
  }),
  replies: option({
    describe: 'A JSON file that says what replies of relays mean, before the table that comes with fanmail',
    commands: ['launch'],
    env: 'FANMAIL_REPLIES',
    schema: line(),
  }),
} as const;
