import { parseBase64, parseKmsEndpoint, parseMasterKeys } from './parsers.js'
import { parsePostgresUrl, postgresUrlProblem } from './postgres-url.js'
import { setting } from './setting.js'

/** The settings of the database and of the master keys. */
export const databaseSettings = {
  url: setting({
    name: 'DATABASE_URL',
    description: 'The PostgreSQL database to use instead of the embedded one.',
    accepts: 'a URL that begins with postgres:// or postgresql://',
    default: undefined,
    defaultText: 'the embedded database in LATCHKEY_DATA_DIR',
    secret: true,
    problemOf: postgresUrlProblem,
    parse: parsePostgresUrl,
  }),
  listenUrl: setting({
    name: 'DATABASE_LISTEN_URL',
    description:
      'The same database without the pooler, where DATABASE_URL goes through one in transaction mode such as PgBouncer. One connection is notified of changes there; without it, they arrive within a quarter of the maximum staleness.',
    accepts: 'a URL that begins with postgres:// or postgresql://',
    default: undefined,
    defaultText: 'DATABASE_URL',
    secret: true,
    problemOf: postgresUrlProblem,
    parse: parsePostgresUrl,
  }),
  folder: setting({
    name: 'LATCHKEY_DATA_DIR',
    description: 'The folder of the embedded database and its master key.',
    accepts: 'a path without NUL',
    default: '.latchkey',
    parse: (text) => text,
  }),
  masterKeys: setting({
    name: 'LATCHKEY_MASTER_KEYS',
    description:
      'The keys that encrypt secrets at rest, newest first. PostgreSQL requires them, unless LATCHKEY_WRAPPED_MASTER_KEYS is set.',
    accepts: 'a list "id:base64url,id:base64url" of 32-byte keys, separated by commas or line ends',
    default: undefined,
    defaultText: 'master.key in LATCHKEY_DATA_DIR, created at the first start',
    secret: true,
    parse: parseMasterKeys,
  }),
  wrappedMasterKeys: setting({
    name: 'LATCHKEY_WRAPPED_MASTER_KEYS',
    description:
      'The same keys encrypted under LATCHKEY_KMS_KEY, instead of LATCHKEY_MASTER_KEYS. The command "latchkey master-keys wrap" encrypts them.',
    accepts: 'base64',
    default: undefined,
    defaultText: 'none',
    secret: true,
    parse: parseBase64,
  }),
  kmsKey: setting({
    name: 'LATCHKEY_KMS_KEY',
    description: 'The key of Google Cloud KMS that decrypts LATCHKEY_WRAPPED_MASTER_KEYS when the server starts.',
    accepts: 'a name such as "projects/p/locations/l/keyRings/r/cryptoKeys/k"',
    default: undefined,
    defaultText: 'none',
    parse: (text) =>
      /^projects\/[\w.:-]+\/locations\/[\w-]+\/keyRings\/[\w-]+\/cryptoKeys\/[\w-]+$/.test(text) ? text : undefined,
  }),
  kmsEndpoint: setting({
    name: 'LATCHKEY_KMS_ENDPOINT',
    description: 'The origin of the Cloud KMS API, such as that of a regional endpoint.',
    accepts: 'an https URL without path, or an http URL of this machine',
    default: 'https://cloudkms.googleapis.com',
    parse: parseKmsEndpoint,
  }),
  metadataHost: setting({
    name: 'GCE_METADATA_HOST',
    description:
      'The server that issues access tokens to workloads on Google Cloud. Google’s own libraries read the same variable.',
    accepts: 'a host name or an IP address, with a port if it is not 80',
    default: 'metadata.google.internal',
    parse: (text) => (/^[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?$/.test(text) ? text : undefined),
  }),
}
