import { accountFailures } from '../accounts/failures.js'
import type { Html } from '../html.js'
import { field } from './form-fields.js'
import { required } from './form-page.js'
import type { FormState } from './form-state.js'
import type { Page } from './page.js'

/** The rule of the field for a mailed link. */
export const linkRule = required(2048)

/** The refusals that are shown beside the field for a mailed link. */
export const linkFaults = { link_invalid: 'link' } as const

/**
 * Returns the field for a mailed link. The script fills it from the fragment of the URL, which no
 * server receives, and hides it. Without a script, people paste the link.
 */
export function linkField(page: Page, state: FormState): Html {
  return field(page, state, {
    name: 'link',
    label: page.t('link.label'),
    autocomplete: 'off',
    hint: page.t('link.hint'),
    fromLink: true,
  })
}

const maxTokenLength = 255

/**
 * Returns the token in a pasted link, or the text itself if it is no link.
 *
 * @throws Problem `link_invalid`
 */
export function tokenIn(link: string): string {
  const token = link.trim().replace(/^.*#token=/s, '')
  if (token === '' || token.length > maxTokenLength) throw accountFailures.refusal('link_invalid')
  return token
}
