import type { Page, Response } from 'playwright-core'

/** The page "Users", used as by a person. Each method resolves once its result is on the screen. */
export class UsersList {
  readonly #page: Page

  constructor(page: Page) {
    this.#page = page
  }

  /** Waits until all requests of the list have been answered and its rows are painted. */
  async settle(): Promise<void> {
    await this.#page.waitForFunction(
      () => document.querySelector('section[aria-label="Accounts"]')?.getAttribute('aria-busy') === 'false',
    )
  }

  /** Types all characters but the last. Returns the step that is measured: the last one. */
  async prepareSearch(text: string): Promise<() => Promise<void>> {
    const field = this.#page.getByRole('searchbox', { name: 'Search' })
    await field.pressSequentially(text.slice(0, -1))
    return () =>
      this.#answered(
        (query) => query.get('search') === text,
        () => field.press(text.slice(-1)),
      )
  }

  clearSearch(): Promise<void> {
    const field = this.#page.getByRole('searchbox', { name: 'Search' })
    return this.#answered(
      (query) => !query.has('search'),
      () => field.fill(''),
    )
  }

  loadMore(): Promise<void> {
    return this.#answered(
      (query) => query.has('cursor'),
      () => this.#page.getByRole('button', { name: 'Load more' }).click(),
    )
  }

  choose(filter: string, value: string): Promise<void> {
    return this.#answered(
      (query) => !query.has('cursor'),
      async () => void (await this.#page.getByRole('combobox', { name: filter }).selectOption(value)),
    )
  }

  /** The choices of each filter that narrow the list. */
  async filters(): Promise<readonly { readonly filter: string; readonly value: string; readonly label: string }[]> {
    const fields = await this.#page.getByRole('search').getByRole('combobox').all()
    const choices = await Promise.all(
      fields.map(async (field) => {
        const filter = await field.evaluate((select) => (select as HTMLSelectElement).labels[0]?.innerText ?? '')
        const options = await field.evaluate((select) =>
          [...(select as HTMLSelectElement).options].map(({ value, label }) => ({ value, label })),
        )
        return options.filter(({ value }) => value !== '').map((option) => ({ filter, ...option }))
      }),
    )
    return choices.flat()
  }

  /** Acts, and waits for the answer to this query and for the rows. */
  async #answered(matches: (query: URLSearchParams) => boolean, act: () => Promise<void>): Promise<void> {
    const isAnswer = (response: Response) => {
      const { pathname, searchParams } = new URL(response.url())
      return pathname === '/v1/admin/users' && matches(searchParams)
    }
    await Promise.all([this.#page.waitForResponse(isAnswer), act()])
    await this.settle()
  }
}
