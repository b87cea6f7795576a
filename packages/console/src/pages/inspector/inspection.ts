import type { operations } from '../../api/schema.js'

/** What the server says of a token. */
export type Inspection = operations['inspectToken']['responses'][200]['content']['application/json']

/** What a token of an account would contain. */
export type Preview = operations['previewToken']['responses'][200]['content']['application/json']
