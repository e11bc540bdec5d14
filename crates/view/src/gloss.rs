//! How surfaces answer light: as the engine has it, or reduced to what a processor draws in a tenth of the time.

use bevy::asset::{load_internal_asset, uuid_handle};
use bevy::mesh::MeshVertexBufferLayoutRef;
use bevy::pbr::{
    ExtendedMaterial, MaterialExtension, MaterialExtensionKey, MaterialExtensionPipeline,
    MeshPipelineKey,
};
use bevy::prelude::*;
use bevy::render::render_resource::{
    AsBindGroup, RenderPipelineDescriptor, SpecializedMeshPipelineError,
};
use bevy::shader::Shader;

use crate::booth::Stage;
use crate::show::Show;

/// What everything on the stage is made of.
pub type Coat = ExtendedMaterial<StandardMaterial, Gloss>;

/// What comes from above, from around and from below.
pub const SKY: [Color; 3] = [
    Color::srgb(1.0, 0.995, 0.98),
    Color::srgb(0.80, 0.82, 0.86),
    Color::srgb(0.50, 0.48, 0.47),
];
/// How bright it is, cd/m2.
pub const SKY_CD_M2: f32 = 560.0;

const SHORT: Handle<Shader> = uuid_handle!("5f0c8f0e-3f57-4e0a-9c3f-2a4c7f1b6d10");

/// Which program lights a surface.
#[derive(Asset, AsBindGroup, TypePath, Clone, Debug)]
#[bind_group_data(GlossKey)]
pub struct Gloss {
    #[uniform(100)]
    above: LinearRgba,
    #[uniform(100)]
    around: LinearRgba,
    #[uniform(100)]
    below: LinearRgba,
    reduced: bool,
}

/// What of it decides on the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlossKey {
    reduced: bool,
}

impl From<&Gloss> for GlossKey {
    fn from(gloss: &Gloss) -> GlossKey {
        GlossKey {
            reduced: gloss.reduced,
        }
    }
}

impl MaterialExtension for Gloss {
    fn specialize(
        _: &MaterialExtensionPipeline,
        descriptor: &mut RenderPipelineDescriptor,
        _: &MeshVertexBufferLayoutRef,
        key: MaterialExtensionKey<Self>,
    ) -> Result<(), SpecializedMeshPipelineError> {
        // Shadows are drawn as depth only, by the engine's program.
        let in_colour = !key.mesh_key.contains(MeshPipelineKey::DEPTH_PREPASS);
        if let Some(fragment) = &mut descriptor.fragment
            && key.bind_group_data.reduced
            && in_colour
        {
            fragment.shader = SHORT;
        }
        Ok(())
    }
}

/// A material under this sky.
pub fn coat(base: StandardMaterial) -> Coat {
    let [above, around, below] = SKY.map(|colour| colour.to_linear().with_alpha(SKY_CD_M2));
    let extension = Gloss {
        above,
        around,
        below,
        reduced: false,
    };
    Coat { base, extension }
}

/// Keeps all surfaces as full or as reduced as the picture is.
pub fn keep(app: &mut App) {
    load_internal_asset!(app, SHORT, "gloss.wgsl", Shader::from_wgsl);
    app.add_plugins(MaterialPlugin::<Coat>::default())
        .add_systems(Update, reduce.after(Stage));
}

fn reduce(show: Res<Show>, mut coats: ResMut<Assets<Coat>>) {
    let other =
        |(id, coat): (AssetId<Coat>, &Coat)| (coat.extension.reduced != show.reduced).then_some(id);
    let others: Vec<_> = coats.iter().filter_map(other).collect();
    for id in others {
        if let Some(mut coat) = coats.get_mut(id) {
            coat.extension.reduced = show.reduced;
        }
    }
}
