//! A file of people, from its upload until it is deleted.

use chrono::Duration;
use schema::{
    ImportFileKey, ImportId, RefusedRow, Right, Timestamp,
    events::{
        ImportEvent,
        import::{
            ImportCancelled, ImportConfirmed, ImportDiscarded, ImportFinished, ImportInvitationsProgressed,
            ImportProgressed, ImportRowEdited, ImportRowRemoved, ImportUploaded,
        },
    },
};

use super::{account, organization, uuid};
use crate::{
    Access, Aggregate, Code, Import, ImportCommand, ImportStatus,
    import::{MOST_EDITS, RESULT_LIFETIME, REVIEW_LIFETIME},
    spec::{Given, START, given},
};

const MOMENT: Duration = Duration::microseconds(1);
const ROWS: u32 = 10;

fn of(rows: u32, expires_at: Timestamp) -> ImportUploaded {
    ImportUploaded {
        import: ImportId(uuid(1)),
        organization: organization(1),
        account: account(1),
        rows,
        file_key: ImportFileKey("f".to_owned()),
        duplicate_of: None,
        expires_at,
    }
}

fn uploaded() -> ImportEvent {
    of(ROWS, START + REVIEW_LIFETIME).into()
}

fn edit(row: u32, number: u128) -> ImportCommand {
    ImportCommand::EditRow { row, edit: uuid(number) }
}

fn edited(row: u32, number: u128, replaced: Option<u128>) -> ImportEvent {
    ImportRowEdited { row, edit: uuid(number), replaced: replaced.map(uuid) }.into()
}

fn confirm() -> ImportCommand {
    ImportCommand::Confirm { locale: "fr".to_owned(), send_invitations: true }
}

fn confirmed() -> ImportEvent {
    ImportConfirmed { locale: "fr".to_owned(), send_invitations: true }.into()
}

fn progress(through: u32, created: u32, refused: &[u32]) -> ImportProgressed {
    let refuse = |row: &u32| RefusedRow { row: *row, code: Code::EmailTaken.name().to_owned() };
    ImportProgressed { through, created, refused: refused.iter().map(refuse).collect() }
}

fn invited(through: u32) -> ImportEvent {
    ImportInvitationsProgressed { through }.into()
}

fn finished(created: u32, refused: u32) -> ImportEvent {
    ImportFinished { created, refused, kept_until: START + RESULT_LIFETIME }.into()
}

fn running() -> Given<Import> {
    given::<Import>([uploaded(), confirmed()])
}

#[test]
fn nothing_comes_before_the_file() {
    for command in [
        edit(0, 1),
        ImportCommand::RemoveRow { row: 0 },
        confirm(),
        ImportCommand::Progress(progress(1, 1, &[])),
        ImportCommand::ProgressInvitations { through: 1 },
        ImportCommand::Finish,
        ImportCommand::Cancel,
        ImportCommand::Discard,
    ] {
        given::<Import>([]).when(command).then_rejected(Code::NotFound);
    }
}

#[test]
fn an_upload_waits_for_a_week() {
    let upload = ImportCommand::Upload(Box::new(of(ROWS, START)));
    let begun = given::<Import>([]).when(upload.clone()).then([uploaded()]);
    assert_eq!(begun.state().status(), ImportStatus::InReview);
    assert_eq!(begun.state().deletion_due(), Some(START + REVIEW_LIFETIME));
    begun.when(upload).then_nothing();
}

#[test]
fn rows_are_mended_and_taken_out() {
    let mended = given::<Import>([uploaded()]).when(edit(3, 1)).then([edited(3, 1, None)]);
    // Which contents are no longer needed is said, so that they are deleted.
    let mended = mended.when(edit(3, 2)).then([edited(3, 2, Some(1))]);
    let removed = mended.when(ImportCommand::RemoveRow { row: 3 }).then([ImportRowRemoved { row: 3 }.into()]);
    let removed = removed.when(ImportCommand::RemoveRow { row: 3 }).then_nothing();
    let removed = removed.when(edit(3, 3)).then_rejected(Code::NotFound);
    let removed = removed.when(edit(ROWS, 3)).then_rejected(Code::NotFound);
    removed.when(ImportCommand::RemoveRow { row: ROWS }).then_rejected(Code::NotFound);
}

#[test]
fn so_many_rows_are_mended_by_hand_and_no_more() {
    let most = u32::try_from(MOST_EDITS).unwrap();
    let edits = (0..most).map(|row| edited(row, row.into(), None));
    let full = given::<Import>([of(most + 1, START + REVIEW_LIFETIME).into()].into_iter().chain(edits));
    let full = full.when(edit(most, 1)).then_rejected(Code::TooMany);
    full.when(edit(0, 7)).then([edited(0, 7, Some(0))]);
}

#[test]
fn the_review_ends_with_its_week_a_confirmation_or_a_cancellation() {
    let commands = || [edit(0, 1), ImportCommand::RemoveRow { row: 0 }, confirm()];
    for command in commands() {
        let end = START + REVIEW_LIFETIME;
        given::<Import>([uploaded()]).at(end - MOMENT).when(command.clone()).then_accepted();
        given::<Import>([uploaded()]).at(end).when(command.clone()).then_rejected(Code::Expired);
        given::<Import>([uploaded(), ImportDiscarded {}.into()]).when(command).then_rejected(Code::Expired);
    }
    let cancelled: ImportEvent = ImportCancelled { kept_until: START }.into();
    for end in [vec![confirmed()], vec![cancelled], vec![confirmed(), progress(ROWS, 10, &[]).into(), finished(10, 0)]]
    {
        for command in commands() {
            given::<Import>([uploaded()].into_iter().chain(end.clone())).when(command).then_rejected(Code::WrongState);
        }
    }
}

#[test]
fn every_row_is_dealt_with_once() {
    let first = ImportCommand::Progress(progress(6, 5, &[2]));
    let some = running().when(first.clone()).then([progress(6, 5, &[2]).into()]);
    // Not finished yet, and told again after a crash: nothing is counted twice.
    let some = some.when(ImportCommand::Finish).then_nothing().when(first).then_nothing();
    assert_eq!((some.state().created(), some.state().refused().len()), (5, 1));
    let rest = ImportCommand::Progress(progress(ROWS, 4, &[]));
    let all = some.when(rest.clone()).then([progress(ROWS, 4, &[]).into()]);
    let all = all.when(ImportCommand::ProgressInvitations { through: 7 }).then([invited(7)]);
    let all = all.when(ImportCommand::ProgressInvitations { through: 7 }).then_nothing();
    let all = all.when(ImportCommand::Finish).then([finished(9, 1)]);
    let all = all.when(ImportCommand::Finish).then_nothing().when(rest).then_nothing();
    all.when(ImportCommand::Cancel).then_rejected(Code::WrongState);
}

#[test]
fn nothing_is_dealt_with_before_it_is_confirmed() {
    for command in [
        ImportCommand::Progress(progress(ROWS, 10, &[])),
        ImportCommand::ProgressInvitations { through: ROWS },
        ImportCommand::Finish,
    ] {
        given::<Import>([uploaded()]).when(command).then_nothing();
    }
}

#[test]
fn what_was_created_before_a_cancellation_is_counted() {
    let kept_until = START + RESULT_LIFETIME;
    let cancelled = running().when(ImportCommand::Cancel).then([ImportCancelled { kept_until }.into()]);
    let cancelled = cancelled.when(ImportCommand::Cancel).then_nothing();
    let late = ImportCommand::Progress(progress(5, 5, &[]));
    let cancelled = cancelled.when(late).then([progress(5, 5, &[]).into()]);
    assert_eq!((cancelled.state().status(), cancelled.state().created()), (ImportStatus::Cancelled, 5));
    let cancelled = cancelled.when(ImportCommand::ProgressInvitations { through: 5 }).then_nothing();
    let cancelled = cancelled.when(ImportCommand::Finish).then_nothing();
    let cancelled = cancelled.at(kept_until - MOMENT).when(ImportCommand::Discard).then_nothing();
    cancelled.at(kept_until).when(ImportCommand::Discard).then([ImportDiscarded {}.into()]);
    let review = given::<Import>([uploaded()]).when(ImportCommand::Cancel);
    let review = review.then([ImportCancelled { kept_until: START }.into()]);
    review.when(ImportCommand::Discard).then([ImportDiscarded {}.into()]);
}

#[test]
fn the_file_is_deleted_in_its_time_only() {
    let discarded = || [ImportDiscarded {}.into()];
    let review_ends = START + REVIEW_LIFETIME;
    given::<Import>([uploaded()]).at(review_ends - MOMENT).when(ImportCommand::Discard).then_nothing();
    let expired = given::<Import>([uploaded()]).at(review_ends).when(ImportCommand::Discard).then(discarded());
    assert_eq!(expired.state().status(), ImportStatus::Expired);
    expired.when(ImportCommand::Discard).then_nothing();
    // However long it takes, what is needed is kept.
    running().at(START + Duration::days(365)).when(ImportCommand::Discard).then_nothing();
    let events = [uploaded(), confirmed(), progress(ROWS, 10, &[]).into(), finished(10, 0)];
    let kept_until = START + RESULT_LIFETIME;
    given::<Import>(events.clone()).at(kept_until - MOMENT).when(ImportCommand::Discard).then_nothing();
    let done = given::<Import>(events).at(kept_until).when(ImportCommand::Discard).then(discarded());
    assert_eq!(done.state().status(), ImportStatus::Finished);
    assert!(done.state().is_discarded());
}

#[test]
fn admins_decide_and_the_platform_works() {
    let upload = ImportCommand::Upload(Box::new(of(ROWS, START)));
    assert_eq!(Import::target(&upload), Some(organization(1)));
    for command in [upload, edit(0, 1), ImportCommand::RemoveRow { row: 0 }, confirm(), ImportCommand::Cancel] {
        assert_eq!(Import::access(&command), Access::Right(Right::ManageAccounts));
    }
    for command in [
        ImportCommand::Progress(progress(1, 1, &[])),
        ImportCommand::ProgressInvitations { through: 1 },
        ImportCommand::Finish,
        ImportCommand::Discard,
    ] {
        assert_eq!(Import::access(&command), Access::System);
    }
    assert_eq!(running().state().organization(), Some(organization(1)));
}
