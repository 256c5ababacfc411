//! Portal units, commands to them, and units that wait to be connected.

use async_graphql::{Context, Enum, ID, InputObject, Object, connection::Connection};
use devices::{DeviceRow, DevicesFilter, DevicesQuery, DevicesSort};
use domain::{Code, Rejection};
use engine::{listing::Count, paging::Page};

use crate::{
    access::{Reader, Reading},
    app::{ContextExt, Source},
    errors::Stop,
    objects::{
        command::{DeviceCommand, visible_command},
        device::{Device, visible_device},
        pairing::UnitPairing,
    },
    paging::{InAll, connection, paging, size_for_cost},
    scalars::{Position, parse_id},
};

/// Which devices. What is left out does not matter.
#[derive(Debug, Default, InputObject)]
struct DeviceFilter {
    /// Whether it is connected to the platform.
    online: Option<bool>,
    /// Model, exactly as the unit says.
    model: Option<String>,
    /// Who set it up.
    set_up_by_id: Option<ID>,
}

impl DeviceFilter {
    /// None if nothing fits, because the person sees no devices of others.
    fn parse(self, reader: &Reader) -> Result<Option<DevicesFilter>, Rejection> {
        let wanted = self.set_up_by_id.map(|id| parse_id(&id, "filter.setUpById")).transpose()?;
        let owner = match (wanted, reader.devices_of()) {
            (Some(wanted), Some(own)) if wanted != own => return Ok(None),
            (wanted, own) => wanted.or(own),
        };
        Ok(Some(DevicesFilter { online: self.online, model: self.model, owner }))
    }
}

/// What to sort devices by.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
enum DeviceSortField {
    /// Name, accents and case aside.
    Name,
    /// Model.
    Model,
    /// When it was last seen.
    LastSeen,
    /// The order in which they were set up.
    SetUp,
}

impl From<DeviceSortField> for devices::SortField {
    fn from(field: DeviceSortField) -> Self {
        match field {
            DeviceSortField::Name => Self::Name,
            DeviceSortField::Model => Self::Model,
            DeviceSortField::LastSeen => Self::LastSeen,
            DeviceSortField::SetUp => Self::Enrolled,
        }
    }
}

/// How to sort devices.
#[derive(Debug, InputObject)]
struct DeviceSort {
    /// By what.
    field: DeviceSortField,
    /// Whether the greatest comes first.
    #[graphql(default)]
    descending: bool,
}

#[derive(Default)]
pub(crate) struct DeviceQueries;

#[Object]
impl DeviceQueries {
    /// The Portal units of your organization; without the right `MANAGE_DEVICES`, those that you set up yourself.
    #[graphql(complexity = "5 + size_for_cost(first, last) * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn devices(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which devices.")] filter: Option<DeviceFilter>,
        #[graphql(desc = "Words of which each must be part of the name, the model or the serial number.")]
        search: Option<String>,
        #[graphql(desc = "In which order; by name unless told otherwise.")] sort: Option<DeviceSort>,
        #[graphql(desc = "How many from the start, from 1 to 200; 50 unless told otherwise.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor, of the same sort field.")] after: Option<String>,
        #[graphql(desc = "How many from the end, from 1 to 200.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor, of the same sort field.")] before: Option<String>,
        #[graphql(desc = "The answer contains at least this change.")] after_position: Option<Position>,
    ) -> async_graphql::Result<Option<Connection<String, Device, InAll>>> {
        let reader = context.reader(Reading::Devices)?;
        let app = context.app()?;
        let work = async {
            let paging = paging(first, after, last, before)?;
            let filter = filter.unwrap_or_default().parse(&reader)?;
            app.reach(Source::Devices, after_position).await?;
            let Some(filter) = filter else {
                let in_all = InAll::new(async || Ok(Count::default()));
                return Ok::<_, Stop>(connection(Page::<DeviceRow>::default(), in_all));
            };
            let (views, organization) = (app.devices.clone(), reader.organization);
            let (wanted, words) = (filter.clone(), search.clone());
            let in_all = InAll::new(move || {
                let (views, filter, search) = (views.clone(), wanted.clone(), words.clone());
                async move { views.count(organization, filter, search).await }
            });
            let sort = sort.map(|sort| DevicesSort { field: sort.field.into(), descending: sort.descending });
            let query = DevicesQuery { filter, search, sort: sort.unwrap_or_default(), paging };
            Ok(connection(app.devices.devices(reader.organization, query).await?, in_all))
        };
        work.await.map(Some).map_err(|stop| context.report(stop))
    }

    /// A Portal unit of your organization; without the right `MANAGE_DEVICES`, one that you set up yourself.
    #[graphql(complexity = "2 + child_complexity")]
    async fn device(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Id of the device.")] id: ID,
        #[graphql(desc = "The answer contains at least this change.")] after_position: Option<Position>,
    ) -> async_graphql::Result<Option<Device>> {
        context.reader(Reading::Devices)?;
        let device = parse_id(&id, "id").map_err(|rejection| context.report(rejection.into()))?;
        context.app()?.reach(Source::Devices, after_position).await.map_err(|stop| context.report(stop))?;
        visible_device(context, device).await
    }

    /// A command to a Portal unit that you may see.
    #[graphql(complexity = "2 + child_complexity")]
    async fn device_command(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Id of the command.")] id: ID,
        #[graphql(desc = "The answer contains at least this change.")] after_position: Option<Position>,
    ) -> async_graphql::Result<Option<DeviceCommand>> {
        context.reader(Reading::Devices)?;
        let command = parse_id(&id, "id").map_err(|rejection| context.report(rejection.into()))?;
        context.app()?.reach(Source::Devices, after_position).await.map_err(|stop| context.report(stop))?;
        visible_command(context, command).await
    }

    /// The Portal unit that shows this code, to be looked at before `connectDevice`; null if none does. After 5 wrong
    /// codes in 10 minutes it gives an error with the code `RATE_LIMITED`. Any signed-in person may ask.
    #[graphql(complexity = "50 + child_complexity")]
    async fn pairing(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The code as typed; case, spaces and hyphens do not matter.")] user_code: String,
    ) -> async_graphql::Result<Option<UnitPairing>> {
        let reader = context.reader(Reading::Own)?;
        let (app, caller) = (context.app()?, context.caller()?);
        let request = app.request(caller);
        let look_up = app.platform.pairing_by_code(&request, &user_code);
        match app.throttles.user_code(reader.account, caller.address, request.at, look_up).await {
            Ok((id, pairing)) => Ok(UnitPairing::new(id, &pairing.state)),
            Err(failure) if failure.code() == Some(Code::UserCodeUnknown) => Ok(None),
            Err(failure) => Err(context.report(Stop::from(failure))),
        }
    }
}
