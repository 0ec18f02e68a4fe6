const NOT_ASCII = /[^\0-\x7f]/;

/** For comparing a parsed address: in lower case, composed (NFC), so that both ways to write `é` are one. */
export function keyOf(address: string): string {
  return NOT_ASCII.test(address) ? address.normalize('NFC').toLowerCase().normalize('NFC') : address.toLowerCase();
}
