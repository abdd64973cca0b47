/** A record that the ledger can't read: `reason` says what is missing or wrong, without showing the record's content. */
export class BadRecord extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.name = 'BadRecord';
    this.reason = reason;
  }
}
