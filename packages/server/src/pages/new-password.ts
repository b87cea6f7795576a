import type { Html } from '../html.js'
import { field } from './form-fields.js'
import type { FormState } from './form-state.js'
import type { Page } from './page.js'

/** Returns a field for a new password, with the rule that it must meet. */
export function newPasswordField(
  page: Page,
  state: FormState,
  {
    name,
    minLength,
    autofocus = false,
  }: { readonly name: string; readonly minLength: number; readonly autofocus?: boolean },
): Html {
  return field(page, state, {
    name,
    label: page.t(name === 'password' ? 'common.password' : 'common.new-password'),
    type: 'password',
    autocomplete: 'new-password',
    hint: page.t('common.password-rule', { min: minLength }),
    autofocus,
  })
}

/** The refusals that are shown beside a field `password`. */
export const newPasswordFaults = faultsAt('password')

/** Returns the refusals that are shown beside the field of a new password. */
export function faultsAt<const Name extends string>(name: Name) {
  return { password_too_short: name, password_too_long: name, password_common: name } as const
}
