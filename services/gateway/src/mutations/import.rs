//! Importing files of people.

use async_graphql::{Context, ID, InputObject, Object};
use commands::processes::imports::Entry;
use schema::ImportId;
use spreadsheets::Column;

use crate::{
    access::{Reader, Reading},
    app::{App, ContextExt, signed_in},
    errors::Stop,
    objects::import::{ImportRow, PeopleImport},
    payload::{about, answer, payload},
    scalars::{Position, parse_id},
    session::Caller,
    uploads::Upload,
};

/// Input of `importPeople`.
#[derive(InputObject)]
struct ImportPeopleInput {
    /// CSV or XLSX with the columns of the template at `/import-template.csv` or `/import-template.xlsx`; at most 10 MiB and
    /// 100,000 rows.
    file: Upload,
}

/// Input of `editImportRow`. What is left out stays as it is.
#[derive(InputObject)]
struct EditImportRowInput {
    /// The import.
    import_id: ID,
    /// Which row, by its `row`.
    row: u32,
    /// Work email address.
    email: Option<String>,
    /// Given name.
    given_name: Option<String>,
    /// Family name.
    family_name: Option<String>,
    /// Job title.
    job_title: Option<String>,
    /// Department.
    department: Option<String>,
    /// Division.
    division: Option<String>,
    /// Office or city.
    location: Option<String>,
    /// Phone number.
    phone: Option<String>,
    /// Language, a BCP 47 tag.
    locale: Option<String>,
    /// Email address of the manager.
    manager_email: Option<String>,
    /// First day at work, such as `2026-12-31`.
    start_date: Option<String>,
}

/// Input of `removeImportRow`.
#[derive(InputObject)]
struct RemoveImportRowInput {
    /// The import.
    import_id: ID,
    /// Which row, by its `row`.
    row: u32,
}

/// Input of `confirmImport`.
#[derive(InputObject)]
struct ConfirmImportInput {
    /// The import.
    import_id: ID,
    /// Language of the accounts whose row names none, a BCP 47 tag such as `de`.
    locale: String,
    /// Whether the people get an activation link by mail, once all accounts are created.
    #[graphql(default = true)]
    send_invitations: bool,
}

/// Input of `cancelImport`.
#[derive(InputObject)]
struct CancelImportInput {
    /// The import.
    import_id: ID,
}

payload! {
    /// What came of `importPeople`.
    ImportPeoplePayload {
        /// The import, to be reviewed.
        people_import: PeopleImport,
    }
}

payload! {
    /// What came of `editImportRow`.
    EditImportRowPayload {
        /// The row as it is now.
        row: ImportRow,
        /// The import.
        people_import: PeopleImport,
    }
}

payload! {
    /// What came of `removeImportRow`.
    RemoveImportRowPayload {
        /// The import.
        people_import: PeopleImport,
    }
}

payload! {
    /// What came of `confirmImport`.
    ConfirmImportPayload {
        /// The import, whose accounts are created from now on: follow it with `importProgress`.
        people_import: PeopleImport,
    }
}

payload! {
    /// What came of `cancelImport`.
    CancelImportPayload {
        /// The import.
        people_import: PeopleImport,
    }
}

#[derive(Default)]
pub(crate) struct ImportMutations;

#[Object]
impl ImportMutations {
    /// Takes a file of people and keeps it for review; nobody is added yet. Needs the right `MANAGE_ACCOUNTS`. One in a
    /// request.
    #[graphql(complexity = "11_000 + child_complexity")]
    async fn import_people(
        &self,
        context: &Context<'_>,
        input: ImportPeopleInput,
    ) -> async_graphql::Result<ImportPeoplePayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        let file = input.file.bytes(context)?;
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let request = app.request(caller);
            Reader::new(caller.principal(), Reading::Imports)?;
            app.throttles.import(organization, request.at)?;
            let (import, position) = app.platform.import_people(&request, organization, file).await?;
            let people_import = read(app, caller, import).await?;
            Ok(ImportPeoplePayload { people_import, position: position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Mends a row of an import that is in review. Needs the right `MANAGE_ACCOUNTS`.
    #[graphql(complexity = "200 + child_complexity")]
    async fn edit_import_row(
        &self,
        context: &Context<'_>,
        input: EditImportRowInput,
    ) -> async_graphql::Result<EditImportRowPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let (import, row) = (parse_id(&input.import_id, "importId")?, input.row);
            let request = app.request(caller);
            let edited = app.platform.edit_import_row(&request, organization, import, row, |entry| apply(input, entry));
            let position = edited.await.map_err(Stop::from)?;
            let loaded = app.platform.import(&request, organization, import).await?;
            let review = app.platform.review_import(import, &loaded).await?;
            Ok(EditImportRowPayload {
                row: review.and_then(|review| ImportRow::of(&review, row)),
                people_import: read(app, caller, import).await?,
                position: position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Takes a row out of an import that is in review. Needs the right `MANAGE_ACCOUNTS`.
    #[graphql(complexity = "100 + child_complexity")]
    async fn remove_import_row(
        &self,
        context: &Context<'_>,
        input: RemoveImportRowInput,
    ) -> async_graphql::Result<RemoveImportRowPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let import = parse_id(&input.import_id, "importId")?;
            let removed = app.platform.remove_import_row(&app.request(caller), organization, import, input.row).await;
            let position = removed.map_err(Stop::from)?;
            let people_import = read(app, caller, import).await?;
            Ok(RemoveImportRowPayload { people_import, position: position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Has the accounts created, in the background. Rows with problems are left out and stand in the result with their code.
    /// Needs the right `MANAGE_ACCOUNTS`.
    #[graphql(complexity = "100 + child_complexity")]
    async fn confirm_import(
        &self,
        context: &Context<'_>,
        input: ConfirmImportInput,
    ) -> async_graphql::Result<ConfirmImportPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let import = parse_id(&input.import_id, "importId")?;
            let (request, invite) = (app.request(caller), input.send_invitations);
            let confirmed = app.platform.confirm_import(&request, organization, import, &input.locale, invite).await;
            let position = confirmed.map_err(about("importId"))?;
            let people_import = read(app, caller, import).await?;
            Ok(ConfirmImportPayload { people_import, position: position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Stops an import, in review or at work. Accounts that were created stay. Needs the right `MANAGE_ACCOUNTS`.
    #[graphql(complexity = "100 + child_complexity")]
    async fn cancel_import(
        &self,
        context: &Context<'_>,
        input: CancelImportInput,
    ) -> async_graphql::Result<CancelImportPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let import = parse_id(&input.import_id, "importId")?;
            let cancelled = app.platform.cancel_import(&app.request(caller), organization, import).await;
            let position = cancelled.map_err(about("importId"))?;
            let people_import = read(app, caller, import).await?;
            Ok(CancelImportPayload { people_import, position: position.map(Position), ..Default::default() })
        })
        .await
    }
}

fn apply(input: EditImportRowInput, entry: &mut Entry) {
    let mut set = |column, value: Option<String>| {
        if let Some(value) = value {
            entry.set(column, value);
        }
    };
    set(Column::Email, input.email);
    set(Column::FirstName, input.given_name);
    set(Column::LastName, input.family_name);
    set(Column::JobTitle, input.job_title);
    set(Column::Department, input.department);
    set(Column::Division, input.division);
    set(Column::Location, input.location);
    set(Column::Phone, input.phone);
    set(Column::Locale, input.locale);
    set(Column::ManagerEmail, input.manager_email);
    set(Column::StartDate, input.start_date);
}

async fn read(app: &App, caller: &Caller, import: ImportId) -> Result<Option<PeopleImport>, Stop> {
    let organization = signed_in(caller)?.organization;
    let loaded = app.platform.import(&app.request(caller), organization, import).await?;
    Ok(Some(PeopleImport::new(&app.config.public_origin, import, loaded)))
}
