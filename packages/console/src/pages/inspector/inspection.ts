import type { operations } from '../../api/schema.js'

/** The answer of the server about a token. */
export type Inspection = operations['inspectToken']['responses'][200]['content']['application/json']

/** The content that a token of an account would have. */
export type Preview = operations['previewToken']['responses'][200]['content']['application/json']
