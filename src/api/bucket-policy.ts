/** What a bucket does with concurrent writes of a key: see docs/CONFIG.md. */
export type BucketPolicy = 'lww' | 'fww' | 'siblings' | 'counter' | 'set';
