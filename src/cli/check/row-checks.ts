import type { Recipient, Reject, RejectReason } from '../../domain/recipient.js';
import { isRoleAddress, likelyDomain } from '../../recipients/suspicion.js';
import { percent } from '../../report/format.js';
import { type Finding, finding } from './finding.js';
import { Tallies, Tally } from './tally.js';

/** A variable that is empty in so many of the rows is worth a word: one row in a hundred. */
const MANY = 0.01;

const WAYS_OUT: Partial<Record<RejectReason, string>> = {
  'row-syntax': 'Mend the quotes or the JSON of these lines.',
  'row-ragged': 'Give these lines as many cells as there are columns; a cell that holds the delimiter needs quotes.',
};

/** What the rows of a list are like, apart from the template: the rejected ones, and addresses that look wrong. */
export class AddressChecks {
  readonly #rejects = new Tallies<RejectReason>();
  readonly #roles = new Tally();
  readonly #typos = new Tallies<string>();

  reject({ line, address, reason, detail }: Reject): void {
    this.#rejects.of(reason).add(line, address === '' ? detail : `${address}: ${detail}`);
  }

  recipient({ line, address }: Recipient): void {
    if (isRoleAddress(address)) this.#roles.add(line, address);
    const meant = likelyDomain(address);
    if (meant !== null) this.#typos.of(meant).add(line, address);
  }

  findings(): Finding[] {
    const found = [...this.#rejects].map(([reason, tally]) => rejected(reason, tally));
    for (const [meant, tally] of this.#typos) {
      const message = `${tally.said} with a domain that is probably meant to be ${meant}`;
      found.push(
        finding('DOMAIN_TYPO', message, 'Mend these addresses, or leave them if they are right.', tally.about),
      );
    }
    if (this.#roles.rows > 0) {
      const message = `${this.#roles.said} with the address of a function instead of a person`;
      const hint = 'Several people may read these, and some are traps for spam: send only where somebody asked for it.';
      found.push(finding('ROLE_ADDRESS', message, hint, this.#roles.about));
    }
    return found;
  }
}

function rejected(reason: RejectReason, tally: Tally): Finding {
  if (reason === 'duplicate') {
    return finding(
      'DUPLICATES',
      `${tally.said} with an address that stood earlier`,
      'The first one is sent.',
      tally.about,
    );
  }
  if (reason === 'suppressed') {
    const message = `${tally.said} with an address of the --exclude file`;
    return finding('SUPPRESSED', message, 'Nothing is sent to these.', tally.about);
  }
  const hint = WAYS_OUT[reason] ?? 'Mend the address, or leave the row: it is not sent to.';
  return finding('ROWS_REJECTED', `${tally.said} that can't be sent to (${reason})`, hint, tally.about);
}

/** Which variables of the template rows have no value for. */
export class VariableChecks {
  readonly #needs: readonly string[];
  readonly #empty = new Tallies<string>();
  readonly #missing = new Tallies<string>();
  #rows = 0;

  constructor(needs: readonly string[]) {
    this.#needs = needs;
  }

  /** True where the row has all that the template uses; what is empty is there. */
  recipient({ line, address, variables }: Recipient): boolean {
    this.#rows++;
    let complete = true;
    for (const name of this.#needs) {
      const value = variables[name];
      if (value === undefined) {
        complete = false;
        this.#missing.of(name).add(line, address);
      } else if (value === null || (typeof value === 'string' && value.trim() === '')) {
        this.#empty.of(name).add(line, address);
      }
    }
    return complete;
  }

  findings(): Finding[] {
    const found: Finding[] = [];
    for (const [name, tally] of this.#missing) {
      found.push({
        ...{ severity: 'refusal', code: 'TEMPLATE_ROW_LACKS_VARIABLE' },
        message: `${this.#share(tally)} without "${name}", which the template uses`,
        hint: 'Give every row that field (it may be empty), or take the variable out of the template.',
        ...tally.about,
      });
    }
    for (const [name, tally] of this.#empty) {
      if (tally.rows < this.#rows * MANY) continue;
      const message = `${this.#share(tally)} with an empty {{${name}}}`;
      const hint = `Write {{#if ${name}}}…{{else}}…{{/if}} where the sentence needs it.`;
      found.push(finding('VARIABLE_EMPTY', message, hint, tally.about));
    }
    return found;
  }

  #share(tally: Tally): string {
    return `${tally.said} (${percent(tally.rows, this.#rows)})`;
  }
}
