/**
 * Asking what waits for people, and what they have to know. Only looking: a review is decided by a person on behalf of themselves,
 * and whoever has come through the socket has shown to be the operator of a machine, and nobody else.
 */
import { orchestrated } from '../subject.ts';
import { told } from '../told.ts';
import { refusal } from '../trouble.ts';
import { known, once, operation } from './operation.ts';

export const reviewOperations = {
  reviews: operation({
    read: (given) => ({
      role: given.optionalText('role'),
      /** Only those that this person could decide. */
      by: given.optionalText('by'),
      workflow: given.optionalText('workflow'),
      under: given.optionalText('under'),
      overdue: given.flag('overdue'),
      limit: given.optionalWhole('limit'),
    }),
    async *run(subject, { overdue, ...wanted }) {
      const { reviews } = orchestrated(subject, 'reviews');
      for await (const review of reviews.pending({ ...known(wanted), ...(overdue && { overdue }) }))
        yield told(review);
    },
  }),

  /** A review, pending or not, with everything that a reviewer needs to know. */
  review: operation({
    read: (given) => ({ address: given.text('address') }),
    run: (subject, { address }) =>
      once(async () => {
        const { reviews } = orchestrated(subject, 'review');
        if (reviews.get(address) === undefined)
          throw refusal(
            'NotFound',
            `${address}: there is no review; \`heddle reviews\` lists those that wait for somebody`,
          );
        return told(await reviews.context(address));
      }),
  }),
};
